"""The cli room; its README says what it is for."""
