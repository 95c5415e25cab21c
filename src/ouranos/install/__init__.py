"""The install room: the objects by which Ouranos comes into a cluster, and goes again."""
