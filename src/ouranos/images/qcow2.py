"""What does an empty disk image look like?"""

import struct
from typing import Final

_CLUSTER: Final = 1 << 16
"""Bytes of a cluster."""

_REACH: Final = _CLUSTER // 8 * _CLUSTER
"""Bytes of a disk that one table of clusters describes."""


def empty(size: int) -> bytes:
    """Return an empty disk image of QEMU's format, version 3.

    Args:
        size: Of the disk, in bytes; at most what one table describes, 512 MiB.

    Raises:
        ValueError: It is larger.
    """
    if size > _REACH:
        raise ValueError(f"{size} bytes need more than one table")
    # Clusters: the header, the table of reference counts, the counts, the table of clusters.
    counts, table, used = _CLUSTER, 3 * _CLUSTER, 4
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        *(b"QFI\xfb", 3, 0, 0, 16, size, 0, 1, table, counts, 1, 0, 0),
        *(0, 0, 0, 4, 104),
    )
    clusters = (
        header,
        struct.pack(">Q", 2 * _CLUSTER),
        struct.pack(f">{used}H", *([1] * used)),
        b"",
    )
    return b"".join(cluster.ljust(_CLUSTER, b"\0") for cluster in clusters)
