"""The engine/node room; its README says what it is for."""
