"""What an object may look like: structure, defaults, validation and documentation of every kind."""
