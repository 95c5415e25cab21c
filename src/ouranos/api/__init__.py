"""What people write: kinds, defaults, cross-field rules and the CRDs made from them.

Importing this package imports nothing else; `ouranos --help` must not pay for pydantic.
"""
