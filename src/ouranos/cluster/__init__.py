"""The controllers as a process in a real cluster. Its README says where to begin."""
