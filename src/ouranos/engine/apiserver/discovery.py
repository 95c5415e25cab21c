"""What is served here? Discovery, OpenAPI, version, health, metrics; kubectl asks this first."""

import hashlib
from collections.abc import Callable
from typing import cast

from ouranos.engine.apiserver import exchange, failure
from ouranos.engine.apiserver.exchange import Request, Response
from ouranos.engine.apiserver.parts import Parts
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.schema import builtin
from ouranos.kit import kinds, metrics
from ouranos.kit.objects import Object

VERSION = ("1", "36", "v1.36.0")
"""The version of Kubernetes whose behaviour is kept."""

_CORE = "v1"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_READ_WRITE = ["get", "patch", "update"]
_SUBRESOURCES: dict[str, tuple[str, str, str, list[str]]] = {
    "status": ("", "", "", _READ_WRITE),
    "finalize": ("", "", "", ["update"]),
    "scale": ("autoscaling", "v1", "Scale", _READ_WRITE),
    "eviction": ("policy", "v1", "Eviction", ["create"]),
    "binding": ("", "v1", "Binding", ["create"]),
    "log": ("", "", "", ["get"]),
}
_REVIEWS: dict[str, list[tuple[str, str]]] = {
    "authentication.k8s.io": [("selfsubjectreviews", "SelfSubjectReview")],
    "authorization.k8s.io": [
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ],
}


class Discovery:
    """Answers what is below no resource."""

    def __init__(self, parts: Parts) -> None:
        """Describe what an API with these parts serves."""
        self._parts = parts
        self._registry = parts.registry
        self._store = parts.store
        self._made: dict[str, tuple[int, bytes]] = {}
        self._fixed: dict[str, Callable[[Request], Response]] = {
            "/": self._paths,
            "/api": self._core,
            "/apis": self._groups,
            "/version": _version,
            "/healthz": _healthy,
            "/livez": _healthy,
            "/metrics": _metrics,
            "/readyz": self._ready,
            "/openapi/v3": self._openapi_index,
        }

    def answer(self, request: Request) -> Response | None:
        """Answer a request, or None when its path is a resource's.

        Raises:
            failure.Failure: the path is ours and nothing is there, or the method is not GET.
        """
        path = request.path.rstrip("/") or "/"
        parts = path.split("/")[1:]
        fixed = self._fixed.get(path)
        if fixed is None and parts[0] in {"healthz", "livez", "readyz"}:
            fixed = self._fixed[f"/{parts[0]}"]  # below it is each check by its name
        if fixed is None and parts[:2] == ["openapi", "v3"]:
            fixed = self._openapi_document
        if fixed is None and parts[0] in {"api", "apis"}:
            fixed = self._below(parts)
        if fixed is None and parts[0] in {"api", "apis"}:
            return None
        if fixed is None:
            raise failure.no_such_path()
        if request.method not in {"GET", "HEAD"}:
            raise failure.method_not_allowed()
        return fixed(request)

    def _below(self, parts: list[str]) -> Callable[[Request], Response] | None:
        match parts:
            case ["api", version]:
                return lambda _: exchange.answer(self._resources("", version))
            case ["apis", group]:
                return lambda _: exchange.answer(self._group(group))
            case ["apis", group, version]:
                return lambda _: exchange.answer(self._resources(group, version))
            case _:
                return None

    def _ready(self, request: Request) -> Response:
        """Answer as kube-apiserver does while one of its start-up hooks is not done."""
        if not self._parts.awaited:
            return _healthy(request)
        text = f"[+]ping ok\n[-]{self._parts.awaited} failed: not done yet\nreadyz check failed\n"
        return Response(500, text.encode(), "text/plain")

    def _served(self) -> dict[str, dict[str, list[Resource]]]:
        groups = self._registry.groups()
        for group in _REVIEWS:
            groups.setdefault(group, {}).setdefault("v1", [])
        return groups

    # Lists of groups and resources.

    def _paths(self, _: Request) -> Response:
        groups = [
            f"/apis/{group}/{version}"
            for group, versions in self._served().items()
            if group
            for version in versions
        ]
        return exchange.answer({"paths": sorted([*self._fixed, "/api/v1", *groups])})

    def _core(self, request: Request) -> Response:
        aggregated = self._aggregated(request, core=True)
        if aggregated is not None:
            return aggregated
        return exchange.answer(
            {"kind": "APIVersions", "versions": [_CORE], "serverAddressByClientCIDRs": []}
        )

    def _groups(self, request: Request) -> Response:
        aggregated = self._aggregated(request, core=False)
        if aggregated is not None:
            return aggregated
        groups = [self._group(group) for group in self._served() if group]
        for each in groups:
            del each["kind"], each["apiVersion"]
        return exchange.answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})

    def _group(self, group: str) -> Object:
        served = self._served().get(group) if group else None
        if served is None:
            raise failure.no_such_path()
        versions = [{"groupVersion": f"{group}/{name}", "version": name} for name in served]
        return {
            "kind": "APIGroup",
            "apiVersion": "v1",
            "name": group,
            "versions": versions,
            "preferredVersion": versions[0],
        }

    def _resources(self, group: str, version: str) -> Object:
        served = self._served().get(group, {}).get(version)
        if served is None:
            raise failure.no_such_path()
        listed: list[Object] = []
        for resource in served:
            listed += _entries(resource)
        for plural, kind in _REVIEWS.get(group, []):
            listed.append(
                {
                    "name": plural,
                    "singularName": kind.lower(),
                    "namespaced": False,
                    "kind": kind,
                    "verbs": ["create"],
                }
            )
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{group}/{version}" if group else version,
            "resources": listed,
        }

    def _aggregated(self, request: Request, *, core: bool) -> Response | None:
        for choice in request.accept.split(","):
            given = {part.strip() for part in choice.split(";")}
            if {"as=APIGroupDiscoveryList", "g=apidiscovery.k8s.io"} <= given:
                version = "v2" if "v=v2" in given else "v2beta1"
                content = _AGGREGATED.format(version)
                body = self._once(f"{content} {core}", lambda: self._discovery(version, core=core))  # noqa: B023
                return Response(200, body, content, [("Vary", "Accept")])
        return None

    def _once(self, name: str, make: Callable[[], Object]) -> bytes:
        """Make a document again only when what is served has changed."""
        revision, body = self._made.get(name, (-1, b""))
        if revision != self._registry.revision:
            revision, body = self._registry.revision, exchange.encode(make())
            self._made[name] = (revision, body)
        return body

    def _discovery(self, version: str, *, core: bool) -> Object:
        items: list[Object] = []
        for group, versions in self._served().items():
            if bool(group) is core:
                continue
            items.append(
                {
                    "metadata": {"name": group, "creationTimestamp": None}
                    if group
                    else {"creationTimestamp": None},
                    "versions": [
                        {
                            "version": name,
                            "resources": [_aggregated(each) for each in resources]
                            + [
                                _review(group, kind, plural)
                                for plural, kind in _REVIEWS.get(group, [])
                            ],
                            "freshness": "Current",
                        }
                        for name, resources in versions.items()
                    ],
                }
            )
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": items,
        }

    # OpenAPI.

    def _openapi_index(self, _: Request) -> Response:
        paths: Object = {}
        for group, versions in self._registry.groups().items():
            for version in versions:
                path = f"apis/{group}/{version}" if group else f"api/{version}"
                digest = hashlib.sha256(
                    f"{VERSION} {self._document_version(group)} {path}".encode()
                ).hexdigest()
                paths[path] = {
                    "serverRelativeURL": f"/openapi/v3/{path}?hash={digest[:32].upper()}"
                }
        return exchange.answer({"paths": paths})

    def _document_version(self, group: str) -> str:
        """Give what changes when the kinds of a group do."""
        records = self._store.objects(kinds.CUSTOM_RESOURCE_DEFINITION.qualified)
        return ",".join(
            f"{key.name}@{record.uid}@{record.version}"
            for key, record in sorted(records.items())
            if key.name.endswith(f".{group}")
        )

    def _openapi_document(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")[2:]
        group, version = (parts[1], parts[2]) if len(parts) == 3 else ("", parts[-1])  # noqa: PLR2004
        if version not in self._registry.groups().get(group, {}):
            raise failure.no_such_path()
        definitions = self._registry.stored(kinds.CUSTOM_RESOURCE_DEFINITION.qualified)
        records = self._store.objects(kinds.CUSTOM_RESOURCE_DEFINITION.qualified)
        held = (
            [] if definitions is None else [definitions.decode(each) for each in records.values()]
        )
        document = builtin.openapi_v3(group, version, held)
        response = exchange.answer(document)
        body = cast("bytes", response.body)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32].upper()}"'
        if request.headers.get("if-none-match") == tag:
            return Response(304, b"", exchange.JSON, [("ETag", tag)])
        response.headers.append(("ETag", tag))
        return response


def _entries(resource: Resource) -> list[Object]:
    kind = resource.kind
    entry: Object = {
        "name": kind.plural,
        "singularName": resource.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    digest = hashlib.sha256(f"{kind.group}/{kind.version}/{kind.kind}".encode()).hexdigest()
    entry["storageVersionHash"] = digest[:12]
    entries = [entry]
    for name in resource.subresources:
        group, version, other, verbs = _SUBRESOURCES[name]
        below: Object = {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": other or kind.kind,
            "verbs": verbs,
        }
        if other and group:
            below |= {"group": group, "version": version}
        entries.append(below)
    return entries


def _aggregated(resource: Resource) -> Object:
    kind = resource.kind
    entry: Object = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    below: list[Object] = []
    for name in resource.subresources:
        group, version, other, verbs = _SUBRESOURCES[name]
        shown = (group, version, other) if other else (kind.group, kind.version, kind.kind)
        response = dict(zip(("group", "version", "kind"), shown, strict=True))
        below.append({"subresource": name, "responseKind": response, "verbs": verbs})
    if below:
        entry["subresources"] = below
    return entry


def _review(group: str, kind: str, plural: str) -> Object:
    return {
        "resource": plural,
        "responseKind": {"group": group, "version": "v1", "kind": kind},
        "scope": "Cluster",
        "singularResource": kind.lower(),
        "verbs": ["create"],
    }


def _version(_: Request) -> Response:
    major, minor, full = VERSION
    return exchange.answer(
        {
            "major": major,
            "minor": minor,
            "gitVersion": f"{full}-ouranos",
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "python",
            "platform": "linux",
        }
    )


def _metrics(_: Request) -> Response:
    text = metrics.render().encode()
    return Response(200, text, "text/plain; version=0.0.4; charset=utf-8")


def _healthy(request: Request) -> Response:
    if "verbose" in request.query:
        name = request.path.strip("/").partition("/")[0]
        return Response(200, f"[+]ping ok\n{name} check passed\n".encode(), "text/plain")
    return Response(200, b"ok", "text/plain")
