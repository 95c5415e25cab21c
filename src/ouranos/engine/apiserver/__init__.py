"""The engine/apiserver room; its README says what it is for."""
