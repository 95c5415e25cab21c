"""With which session does a controller speak to a cloud? One for each namespace, as its admin."""

from __future__ import annotations

import httpx2

from ouranos.kit import seams
from ouranos.openstack import client


class Sessions:
    """The sessions of one process."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """Prepare; connections are opened when they are used.

        Args:
            transport: Carries the requests; the network when None.
        """
        self._transport = transport
        self._http: httpx2.AsyncClient | None = None
        self._sessions: dict[str, client.Session] = {}

    @property
    def http(self) -> httpx2.AsyncClient:
        """The connections that all sessions share."""
        if self._http is None:
            self._http = httpx2.AsyncClient(transport=self._transport, trust_env=False)
        return self._http

    def admin(
        self, namespace: str, keystone: str, login: client.Login, clock: seams.Clock
    ) -> client.Session:
        """The session of a cloud's admin; a new one when the address or the login changed."""
        present = self._sessions.get(namespace)
        if present and (present.keystone, present.login) == (keystone, login):
            return present
        session = client.Session(self.http, keystone, login, clock)
        self._sessions[namespace] = session
        return session
