"""Memcached: what the services need not ask twice. The page of the cache."""

from collections.abc import Mapping
from typing import Final

from ouranos.backing import manifests, page
from ouranos.kit import errors, kinds
from ouranos.kit.objects import Object

UID: Final = 42457
PORT: Final = manifests.Port("memcached", 11211)
_MEBIBYTES: Final = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "Ti": 1024 * 1024}
_DEFAULT: Final = "64Mi"
_BESIDES: Final = 256
"""MiB that it may take for connections and tables beside what it keeps."""


def mebibytes(quantity: str) -> int:
    """Return a size such as `64Mi` in MiB, at least one.

    Raises:
        ValueError: it has another unit, or none.
    """
    number, unit = quantity[:-2], quantity[-2:]
    if unit not in _MEBIBYTES:
        raise ValueError(f"{quantity} is not a size in Ki, Mi, Gi or Ti")
    return max(1, int(float(number) * _MEBIBYTES[unit]))


def pod(builtin: Object) -> manifests.Pod:
    """Return the server's pod."""
    memory: str = builtin.get("memory", _DEFAULT)
    settings = ("-l", "$(POD_IP)", "-p", str(PORT.number), "-m", str(mebibytes(memory)))
    return manifests.Pod(
        uid=UID,
        containers=(
            manifests.Container(
                "memcached",
                ("memcached", *settings, "-c", "8192", "-U", "0", "-t", "2"),
                variables=(manifests.POD_IP,),
                port=PORT,
                memory=memory,
                limit=f"{mebibytes(memory) + _BESIDES}Mi",
            ),
        ),
        grace=5,
    )


async def health(site: page.Site) -> Mapping[str, str]:
    """Ask for the version."""
    host, port = site.place(PORT)
    answer = await site.means.ask(host, port, b"version\r\n", b"\r\n")
    word, _, version = answer.decode(errors="replace").strip().partition(" ")
    if word != "VERSION":
        raise errors.Transient(f"{host}:{port} does not speak like memcached")
    return {"version": version}


PAGE: Final = page.Page(
    kind=kinds.MEMCACHED,
    image="memcached",
    ports=(PORT,),
    pod=pod,
    health=health,
    keeps_data=False,
)
