"""The releases room; its README says what it is for."""
