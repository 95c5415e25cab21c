"""The kit room; its README says what it is for."""
