"""Ouranos: one file describes a private cloud; this makes it real and keeps it real."""
