"""The openstack room; its README says what it is for."""
