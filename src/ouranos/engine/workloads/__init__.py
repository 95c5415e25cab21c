"""The engine/workloads room; its README says what it is for."""
