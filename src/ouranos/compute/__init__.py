"""The compute room; its README says what it is for."""
