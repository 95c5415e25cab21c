"""The backing room; its README says what it is for."""
