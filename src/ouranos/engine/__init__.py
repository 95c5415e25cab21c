"""The engine room; its README says what it is for."""
