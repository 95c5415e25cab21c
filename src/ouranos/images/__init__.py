"""The images room; its README says what it is for."""
