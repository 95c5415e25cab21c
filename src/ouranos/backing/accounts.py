"""What is in a Secret? The one place of the room where secrets are read."""

import base64

from ouranos.kit import controller, errors, kinds, objects
from ouranos.kit.objects import Object


def contents(secret: Object) -> dict[str, str]:
    """Return a Secret's keys and values."""
    data: dict[str, str] = objects.mapping(secret, "data")
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def encoded(text: str) -> str:
    """Return a value as a Secret holds it."""
    return base64.b64encode(text.encode()).decode()


def digest(secret: Object) -> str:
    """Return a few letters that change when the Secret's content does, and tell nothing of it."""
    return objects.digest(objects.mapping(secret, "data")).hex()[:16]


def login(held: controller.Cache, namespace: str, name: str) -> tuple[str, str]:
    """Return user name and password from a Secret.

    Raises:
        errors.Transient: the Secret is not there, or lacks one of them.
    """
    secret = held.get(kinds.SECRET, name, namespace)
    if secret is None:
        raise errors.Transient(f"Secret {name} does not exist")
    data = contents(secret)
    for key in ("username", "password"):
        if not data.get(key):
            raise errors.Transient(f"Secret {name} has no key {key}")
    return data["username"], data["password"]
