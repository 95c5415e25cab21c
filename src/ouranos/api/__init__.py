"""The api room; its README says what it is for."""
