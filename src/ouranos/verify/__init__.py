"""The verify room; its README says what it is for."""
