"""The look room; its README says what it is for."""
