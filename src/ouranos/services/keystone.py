"""Keystone: who is who, and where everything is. The page of the identity service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ouranos.kit import kinds
from ouranos.openstack import configuration
from ouranos.services import page

NAME = "keystone"
PORT = 5000
FERNET_KEYS = "/var/lib/keystone/fernet-keys"
CREDENTIAL_KEYS = "/var/lib/keystone/credential-keys"


def settings(scope: page.Scope) -> configuration.Sections:
    """keystone.conf, without the database's URL."""
    return {
        "database": configuration.database_pool(),
        "token": {"provider": "fernet", "expiration": 3600},
        "fernet_tokens": {"key_repository": FERNET_KEYS, "max_active_keys": 4},
        # Receipts take the tokens' keys: both live for minutes and are checked by the same
        # processes.
        "fernet_receipts": {"key_repository": FERNET_KEYS, "max_active_keys": 4},
        "credential": {"key_repository": CREDENTIAL_KEYS},
        "cache": configuration.cache(scope.memcached),
        # OWASP's least for bcrypt: 60 ms of CPU for each login by password; Keystone's own 12 take
        # 250.
        "identity": {"password_hash_rounds": 10},
    }


def volumes(_: page.Scope) -> tuple[page.Volume, ...]:
    """Key repositories, as files from their Secrets."""
    return (
        page.Keys(FERNET_KEYS, "fernet"),
        page.Keys(CREDENTIAL_KEYS, "credential"),
    )


def complaint(answer: Any) -> str | None:
    """What is wrong with the list of regions, which only the database can have given."""
    return None if answer.get("regions") else "it knows no region"


SERVICE = page.Service(
    kind=kinds.KEYSTONE,
    name=NAME,
    about="users, projects, tokens and the catalogue",
    uid=42425,
    releases={"2026.2": ("keystone==30.0.0",)},
    needs=(),
    databases=(page.Database("keystone"),),
    secrets=(
        page.Password("admin", "admin"),
        page.KeySet("fernet", kept=4, rotation=timedelta(days=7)),
        page.Irreplaceable(
            page.KeySet("credential", kept=2),
            loss="the credentials (EC2, TOTP) that users have stored",
        ),
    ),
    settings=page.Settings(
        "/etc/keystone/keystone.conf",
        settings,
        owned=frozenset(
            {
                ("fernet_tokens", "key_repository"),
                ("fernet_receipts", "key_repository"),
                ("credential", "key_repository"),
                ("token", "provider"),
            }
        ),
    ),
    variables={
        "OS_KEYSTONE_CONFIG_DIR": "/etc/keystone",
        "OS_KEYSTONE_CONFIG_FILES": "keystone.conf",
    },
    schema=page.Schema(
        initialise=("python3", "-m", "ouranos_runtime.keystone"),
        expand=("keystone-manage", "db_sync", "--expand"),
        migrate=("keystone-manage", "db_sync", "--migrate"),
        contract=("keystone-manage", "db_sync", "--contract"),
        check=("keystone-status", "upgrade", "check"),
        credentials=("admin",),
        volumes=volumes,
    ),
    components=(
        page.wsgi(
            "api",
            "keystone.wsgi.api:application",
            page.Listener(PORT, NAME, public=True, path="/v3"),
            volumes=volumes,
        ),
    ),
    identity=page.Identity(endpoints=(page.Endpoint("identity", PORT, NAME, "/v3"),)),
    proof=page.Proof(NAME, PORT, (page.Request("/v3/regions", complaint),)),
)
