"""The engine/simulation room; its README says what it is for."""
