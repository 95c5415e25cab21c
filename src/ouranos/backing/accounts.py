"""What is in a Secret? The one place of the room where secrets are read."""

import base64

from ouranos.kit import controller, errors, kinds, objects
from ouranos.kit.objects import Object


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
    username, password = (value(held, namespace, name, key) for key in ("username", "password"))
    return username, password


def names(held: controller.Cache, namespace: str, name: str, username: str) -> bool:
    """Whether a Secret is there, and has this user's name."""
    secret = held.get(kinds.SECRET, name, namespace) or {}
    return objects.mapping(secret, "data").get("username") == encoded(username)


def value(held: controller.Cache, namespace: str, name: str, key: str) -> str:
    """Return what a Secret holds under a key.

    Raises:
        errors.Transient: the Secret is not there, or has no text there.
    """
    secret = held.get(kinds.SECRET, name, namespace)
    if secret is None:
        raise errors.Transient(f"Secret {name} does not exist")
    found = objects.mapping(secret, "data").get(key)
    if not found:
        raise errors.Transient(f"Secret {name} has no key {key}")
    try:
        return base64.b64decode(found).decode()
    except UnicodeDecodeError as error:
        raise errors.Transient(f"Secret {name} has no text under the key {key}") from error
