"""The bench room: measures a cloud of its own on this machine; its README says what it is for."""
