"""The solo room; its README says what it is for."""
