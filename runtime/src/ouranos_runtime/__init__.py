"""What runs inside the `openstack` image, with the image's own Python: initialisers and launchers.

Each module answers one question of one service and is run as `python3 -m
ouranos_runtime.<module>`. OpenStack's modules are imported by name at run time: they exist in the
image, not where this is checked.
"""
