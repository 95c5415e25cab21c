"""A cloud as openstacksdk shows it to `verify`, in dictionaries, with a guest that answers HTTP.

What openstacksdk puts on the wire the stories show against real services; here it is about what
`verify` asks for, in which order, and what it does about an answer.
"""

from __future__ import annotations

import base64
import http.client
import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

ADDRESS = "172.24.4.77"
Thing = SimpleNamespace


class Cloud:
    """What all connections see."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Thing]] = {}
        self.count = itertools.count(1)
        self.calls: list[str] = []
        self.stays: set[str] = set()
        """Kinds of things that a deletion leaves behind."""
        self.after_boot = "ACTIVE"
        self.console = True
        self.letting_go = 0
        """How often Nova still shows a volume that Cinder has back already."""
        self.hostname = "verify-guest.novalocal"
        self.writes = "written"
        self.bytes: dict[str, str] = {}
        self.add("network", id="outside", name="public", project_id="admin")
        self.add("flavor", name="m1.nano")
        self.add("role", name="member")

    def add(self, kind: str, **fields: Any) -> Thing:
        made = Thing(**{"id": f"{kind}-{next(self.count)}", **fields})
        self.things.setdefault(kind, {})[made.id] = made
        return made

    def all(self, kind: str, **wanted: Any) -> Iterator[Thing]:
        return iter(
            [
                one
                for one in self.things.get(kind, {}).values()
                if all(getattr(one, name, value) == value for name, value in wanted.items())
            ]
        )

    def named(self, kind: str, name: str) -> Thing:
        return next(self.all(kind, name=name))

    def remove(self, kind: str, identity: str) -> None:
        if kind not in self.stays:
            del self.things[kind][identity]

    # The guest behind the floating IP.

    def answer(self, path: str) -> tuple[int, str]:
        if not (server := next(self.all("server"), None)) or server.status != "ACTIVE":
            raise ConnectionRefusedError
        script = base64.b64decode(server.user_data).decode()
        token = script.partition('echo "')[2].partition(" ")[0]
        asked = urlsplit(path)
        if asked.path == "/proof.txt":
            return 200, f"{token} {self.hostname}\n"
        act, serial, text = asked.query.split("&")
        there = [one for one in self.all("volume") if one.id[:20] == serial and one.server]
        if act == "look":
            return 200, "present" if there else "absent"
        if act == "write":
            self.bytes[serial] = text
            return 200, self.writes
        return 200, self.bytes[serial]


class Connection:
    """Somebody's connection; an administrator's where no project is given."""

    def __init__(self, cloud: Cloud, project: str = "admin") -> None:
        self.cloud = cloud
        self.current_project_id = project
        self.config = Thing(
            get_auth_args=lambda: {"auth_url": "http://keystone:5000"},
            get_region_name=lambda: "Düdingen Test",
        )

    def authorize(self) -> None:
        """The password is right."""

    @property
    def identity(self) -> Service:
        return Service(self)

    compute = network = image = block_storage = identity


class Service:
    """One of its services: makes, lists and deletes things by the names of openstacksdk's calls."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cloud = connection.cloud

    def __getattr__(self, call: str) -> Callable[..., Any]:
        verb, _, rest = call.partition("_")
        kind = {"ip": "floating", "ips": "floating"}.get(rest or verb, rest)
        if verb == "create":
            return lambda **fields: self._create(kind, fields)
        if verb == "delete":
            return lambda identity: self._delete(kind, identity)
        if verb == "find":
            return lambda name, **_: self.cloud.named(kind, name)
        if verb == "get":
            return lambda identity: self.cloud.things[kind][identity]
        if not call.endswith("s"):
            raise AttributeError(call)
        kind = "floating" if call == "ips" else call.removesuffix("s")
        return lambda **filters: self._all(kind, filters)

    def _all(self, kind: str, filters: dict[str, Any]) -> Iterator[Thing]:
        known = {key: value for key, value in filters.items() if key != "all_projects"}
        if kind == "image":
            known = {"owner_id": known["owner"]}
        elif kind in {"server", "volume"} and "all_projects" not in filters:
            known["project_id"] = self.connection.current_project_id
        return self.cloud.all(kind, **known)

    def _create(self, kind: str, fields: dict[str, Any]) -> Thing:
        self.cloud.calls.append(f"create {kind}")
        project = self.connection.current_project_id
        owner = {"owner_id": project} if kind == "image" else {"project_id": project}
        usual: dict[str, Any] = {
            "server": {"status": self.cloud.after_boot, "fault": None, "task_state": None},
            "volume": {"status": "available", "server": ""},
            "floating": {"floating_ip_address": ADDRESS},
            "image": {"status": "active"},
        }.get(kind, {})
        made = self.cloud.add(kind, **owner, **usual, **fields)
        if kind == "server":
            self.cloud.add("port", **owner, device_id=made.id, device_owner="compute:nova")
        return made

    def _delete(self, kind: str, identity: str) -> None:
        self.cloud.calls.append(f"delete {kind}")
        if kind == "server":
            for port in list(self.cloud.all("port", device_id=identity)):
                self.cloud.remove("port", port.id)
            for volume in self.cloud.all("volume", server=identity):
                volume.server, volume.status = "", "available"
        for whole, part in (("network", "subnet"), ("security_group", "security_group_rule")):
            if kind == whole:
                for one in self.cloud.all(part, **{f"{whole}_id": identity}):
                    self.cloud.remove(part, one.id)
        self.cloud.remove(kind, identity)

    # What is neither made nor deleted by that name.

    def create_keypair(self, name: str) -> Thing:
        return self.cloud.add("keypair", id=name, name=name)

    def assign_project_role_to_user(self, *given: str) -> None:
        self.cloud.calls.append(f"grant {' '.join(given)}")

    def add_interface_to_router(self, router: Thing, *, subnet: str) -> None:
        owner = "network:router_interface"
        project = router.project_id
        self.cloud.add(
            "port", project_id=project, device_id=router.id, device_owner=owner, subnet=subnet
        )

    def remove_interface_from_router(self, _: str, *, port: str) -> None:
        self.cloud.remove("port", port)

    def get_server_console_output(self, identity: str) -> dict[str, str]:
        script = base64.b64decode(self.cloud.things["server"][identity].user_data).decode()
        return {"output": script if self.cloud.console else ""}

    def create_volume_attachment(self, server: str, volume: str) -> None:
        assert self.cloud.letting_go <= 0, "400: the volume is already attached"
        attached = self.cloud.things["volume"][volume]
        attached.server, attached.status = server, "in-use"

    def delete_volume_attachment(self, _: str, volume_id: str) -> None:
        volume = self.cloud.things["volume"][volume_id]
        volume.server, volume.status = "", "available"
        self.cloud.letting_go = 2

    def volume_attachments(self, server: str) -> Iterator[Thing]:
        self.cloud.letting_go -= 1
        if self.cloud.letting_go > 0:
            return iter([Thing(server_id=server)])
        return self.cloud.all("volume", server=server)

    def create_server_image(self, _: str, name: str) -> Thing:
        return self._create("image", {"name": name})

    def stop_server(self, identity: str) -> None:
        self.cloud.things["server"][identity].status = "SHUTOFF"

    def start_server(self, identity: str) -> None:
        self.cloud.things["server"][identity].status = "ACTIVE"


def guests_http(cloud: Cloud) -> type:
    """Return what stands for `http.client.HTTPConnection` where the guest is reached."""

    class Guest:
        def __init__(self, address: str, port: int, timeout: float) -> None:
            assert (address, port) == (ADDRESS, 80)
            assert timeout < 60

        def request(self, method: str, path: str, headers: dict[str, str]) -> None:
            assert (method, headers) == ("GET", {"Host": ADDRESS})
            self.status, self.text = cloud.answer(path)

        def getresponse(self) -> Thing:
            if not self.text:
                raise http.client.BadStatusLine("")
            return Thing(status=self.status, read=self.text.encode)

        def close(self) -> None:
            """Closed."""

    return Guest
