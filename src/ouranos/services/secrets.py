"""Which secrets has a service, and how are they made, kept and rotated? Step `secrets`."""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from ouranos.kit import conditions, errors, kinds, objects, outcome, randoms
from ouranos.openstack import configuration
from ouranos.services import content, labels, page, work

ROTATED = "ouranos.cloud/rotated"
"""When the keys of a set were last rotated."""
RECREATE = "ouranos.cloud/recreate-secret"
"""On a service: the name of a lost Secret that a person lets be made again. Removed when done."""

_KEY_BYTES = 32


async def secrets(work_: work.Work) -> outcome.Outcome:
    """Every credential of the service is there, and no key is older than it may be."""
    total = outcome.DONE
    for credential in work_.page.credentials():
        total |= await _one(work_, credential)
    return total


async def _one(work_: work.Work, credential: page.Credential) -> outcome.Outcome:
    name = work_.secret(credential.name)
    present = work_.held(kinds.SECRET, name)
    made: list[str] = work_.pass_.status.setdefault("secrets", [])
    if present is None:
        _check_loss(work_, credential.name, name, made)
        await _create(work_, credential, name)
    elif objects.is_deleting(present):
        return outcome.wait(f"Secret/{name} to be gone")
    elif isinstance(credential, page.KeySet):
        await _rotate(work_, credential, present)
    if name not in made:
        made.append(name)
    if _may_be_lost(work_, name):
        done = {"metadata": {"annotations": {RECREATE: None}}}
        await work_.pass_.patch(work_.page.kind, work_.pass_.key.name, done)
    return outcome.DONE


def _may_be_lost(work_: work.Work, name: str) -> bool:
    return objects.annotations_of(work_.pass_.object).get(RECREATE) == name


def _check_loss(work_: work.Work, credential: str, name: str, made: list[str]) -> None:
    kept = work_.page.irreplaceable(credential)
    if kept and name in made and not _may_be_lost(work_, name):
        hint = f"restore it, or annotate the {work_.page.kind.kind} with {RECREATE}={name}"
        raise errors.Terminal(
            conditions.Reason.UNRECOVERABLE,
            f"Secret/{name} is gone; a new one would lose {kept.loss}; hint: {hint}",
        )


async def _create(work_: work.Work, credential: page.Credential, name: str) -> None:
    chance = work_.pass_.seams.random
    now = conditions.timestamp(work_.pass_.seams.clock.now())
    metadata = labels.metadata(work_.page, work_.scope, name, "secret")
    if isinstance(credential, page.KeySet):
        metadata["annotations"] = {ROTATED: now}
    secret: objects.Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "data": content.encoded(values(credential, chance)),
    }
    # Like the data that it encrypts, what nothing can replace outlives the service.
    owned = work_.page.irreplaceable(credential.name) is None
    try:
        await work_.pass_.create(secret, owned=owned)
    except errors.AlreadyExists as error:
        raise errors.Transient(f"Secret/{name} exists, but is not seen yet") from error


def values(credential: page.Credential, chance: random.Random) -> dict[str, str]:
    """The first content of a credential's Secret."""
    if isinstance(credential, page.Password):
        return {"username": credential.username, "password": randoms.password(chance)}
    if isinstance(credential, page.SharedSecret):
        return _shared(credential, _key(chance) if credential.fernet else randoms.password(chance))
    if isinstance(credential, page.KeySet):
        return {"0": _key(chance), "1": _key(chance)}
    return _pair(chance)


def _shared(credential: page.SharedSecret, secret: str) -> dict[str, str]:
    if credential.option is None:
        return {"secret": secret}
    section, option = credential.option
    return {
        "secret": secret,
        f"{credential.name}.conf": configuration.render({section: {option: secret}}),
    }


def _key(chance: random.Random) -> str:
    return base64.urlsafe_b64encode(chance.randbytes(_KEY_BYTES)).decode()


def _pair(chance: random.Random) -> dict[str, str]:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(chance.randbytes(_KEY_BYTES))
    encoded = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return {"private": encoded.decode(), "public": public.decode()}


async def _rotate(work_: work.Work, keys: page.KeySet, secret: objects.Object) -> None:
    now = work_.pass_.seams.clock.now()
    if not is_due(keys, secret, now):
        return
    present = content.of(secret)
    wanted = rotated(present, keys.kept, _key(work_.pass_.seams.random))
    gone = dict.fromkeys(present.keys() - wanted.keys())
    metadata = {
        "annotations": {ROTATED: conditions.timestamp(now)},
        "resourceVersion": secret["metadata"]["resourceVersion"],
    }
    data = {**content.encoded(wanted), **gone}
    name: str = secret["metadata"]["name"]
    await work_.pass_.patch(kinds.SECRET, name, {"metadata": metadata, "data": data})
    await work_.pass_.event("Normal", "KeysRotated", f"Rotated the keys in Secret/{name}")


def is_due(keys: page.KeySet, secret: objects.Object, now: datetime) -> bool:
    """Whether a set's next key has to become the one in use."""
    at = objects.annotations_of(secret).get(ROTATED)
    if keys.rotation is None or at is None:
        return False
    return now - conditions.moment_of(at) >= keys.rotation


def rotated(present: Mapping[str, str], kept: int, fresh: str) -> dict[str, str]:
    """Keys after a rotation, as Keystone means it.

    Key 0 is on its way to every server and becomes the highest, by which new tokens are made; the
    oldest others go until `kept` are left; a fresh key 0 is put in its place.

    Args:
        present: Keys by number.
        kept: How many there are at most, key 0 included.
        fresh: The new key 0.
    """
    numbers = sorted(int(number) for number in present)
    promoted = {number: present[str(number)] for number in numbers if number}
    promoted[max(numbers) + 1] = present["0"]
    newest = sorted(promoted)[-(kept - 1) :]
    return {"0": fresh, **{str(number): promoted[number] for number in newest}}
