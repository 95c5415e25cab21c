"""The services room; its README says what it is for."""
