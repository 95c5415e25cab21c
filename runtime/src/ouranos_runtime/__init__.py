"""Modules that run inside service images."""
