"""How do images get into a registry? skopeo carries them; what is there it does not carry again."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ouranos.images import oci, processes
from ouranos.images.processes import Job, Patience
from ouranos.kit import conditions, errors

_ADDRESS: Final = re.compile(
    r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)(:[0-9]{1,5})?"
    r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)

_UNKNOWN: Final = ("manifest unknown", "name unknown", "not found", "status code 404")

_CREDENTIALS: Final = "refuses these credentials"

_TROUBLE: Final[Mapping[str, tuple[str, ...]]] = {
    "has no space left": ("no space left",),
    "does not answer": (
        *("connection refused", "connection reset", "deadline exceeded", "i/o timeout"),
        *("network is unreachable", "no route to host", "no such host", "server misbehaving"),
    ),
    "speaks plain HTTP": ("server gave HTTP response to HTTPS client",),
    "has a certificate that nobody here trusts": ("x509:", "tls:"),
    _CREDENTIALS: (
        *(r"(?i)\b(status|http)[a-z :]*\b40[13]\b", "authentication required", "denied"),
        *("invalid username/password", "unauthorized"),
    ),
}
"""Regular expressions by which each is known in skopeo's complaints; the first that is found."""


class Refused(errors.Terminal):
    """The registry does not take an image, for a reason that a person can mend."""

    def __init__(self, registry: str, trouble: str, said: str) -> None:
        super().__init__(
            conditions.Reason.UNRECOVERABLE, f"the registry {registry} {trouble}: {said}"
        )
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry, and how it is spoken to."""

    address: str
    """`host[:port][/path]`, without scheme and without the image's name."""
    layout: oci.Layout
    """Where the images come from."""
    authfile: Path | None = None
    """Credentials, in the file that `skopeo login` writes; otherwise that of the user."""
    tls_verify: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no address.

        Raises:
            Terminal: It is none.
        """
        if not _ADDRESS.fullmatch(self.address):
            raise errors.Terminal(
                conditions.Reason.INVALID_SPEC,
                f"{self.address!r} is no registry: it is HOST[:PORT][/PATH], without https://",
            )

    def name(self, reference: str) -> str:
        """Return how the registry calls an image: `registry.example/cloud/ovn:2026.2`."""
        return f"{self.address}/{reference.rpartition('/')[2]}"

    async def digest(self, reference: str, patience: Patience) -> str | None:
        """Return the digest that the registry has under an image's name, or None.

        Raises:
            Refused: It does not answer, or refuses.
        """
        words = ("inspect", "--no-tags", "--format", "{{.Digest}}", *self._options())
        name = self.name(reference)
        try:
            said = await self._skopeo(f"looking for {name}", patience, *words, f"docker://{name}")
        except processes.Failed as failed:
            if any(sign in str(failed) for sign in _UNKNOWN):
                return None
            raise self.refusal(failed) from failed
        return said.decode().strip()

    async def push(self, image: oci.Image, patience: Patience) -> bool:
        """Put an image into the registry; say whether anything had to be put there.

        Raises:
            Refused: It does not answer, or refuses.
        """
        if await self._there(image.reference, patience) == image.digest:
            return False
        name = self.name(image.reference)
        options = (option.replace("--", "--dest-", 1) for option in self._options())
        words = ("copy", "--quiet", "--preserve-digests", *options)
        try:
            with self.layout.only(image) as folder:
                source = f"oci:{folder}:{image.reference}"
                await self._skopeo(f"pushing {name}", patience, *words, source, f"docker://{name}")
        except processes.Failed as failed:
            raise self.refusal(failed) from failed
        return True

    async def _there(self, reference: str, patience: Patience) -> str | None:
        try:
            return await self.digest(reference, patience)
        except Refused as refused:
            if refused.trouble != _CREDENTIALS:
                raise
            # Registries hide what is not there yet: whoever may push is told at the push.
            return None

    def _options(self) -> tuple[str, ...]:
        verify = f"--tls-verify={str(self.tls_verify).lower()}"
        return (verify, f"--authfile={self.authfile}") if self.authfile else (verify,)

    @staticmethod
    async def _skopeo(what: str, patience: Patience, *words: str) -> bytes:
        # Images of ours carry no signatures: the digest is what a pod may name.
        return await processes.run(
            ["skopeo", "--insecure-policy", *words],
            Job(what, patience),
            # Programs that give credentials are where their user has them, and need what he set.
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )

    def refusal(self, failed: processes.Failed) -> errors.OuranosError:
        """Return what skopeo's failure means; itself, where nothing is known about it."""
        said = str(failed)
        for trouble, signs in _TROUBLE.items():
            if any(re.search(sign, said) for sign in signs):
                return Refused(self.address, trouble, _last(said))
        return failed


def _last(said: str) -> str:
    """Return the innermost of skopeo's complaints, which is a log line."""
    match = re.search(r'msg="(.*)"', said)
    text = (match.group(1) if match else said.splitlines()[-1]).replace('\\"', '"')
    return text.rpartition('": ')[2].strip()[-300:]
