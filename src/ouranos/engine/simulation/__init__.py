"""Simulation: a node whose pods are simulated, and the virtual time that it lives in."""
