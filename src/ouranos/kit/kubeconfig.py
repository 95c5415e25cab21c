"""How is a cluster reached that a kubeconfig names, or the one that this process runs in?

Asked by every command with `--kubeconfig`, and by the controllers in a cluster.
"""

import base64
import binascii
import contextlib
import os
import re
import shlex
import socket
import ssl
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast
from urllib import parse

import httpx2
import yaml

from ouranos.kit import cluster, errors, objects
from ouranos.kit.objects import Object

IN_CLUSTER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds what its service account gives it."""

UNAUTHORISED: Final = 401
_FORBIDDEN: Final = 403
_LOST_SECONDS: Final = 4
"""What was sent and not confirmed for so long is given up: it must not arrive much later."""
_SOCKET: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LOST_SECONDS * 1000),
    # A watch may be silent for minutes; these notice a server that is not there any more.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
# Every watch holds a connection, so calls must never wait for one that a watch gives back.
_LIMITS: Final = httpx2.Limits(
    max_connections=None, max_keepalive_connections=8, keepalive_expiry=60
)


_COMMANDS: Final = re.compile(r"\b(?:kubectl|ouranos (?:un)?install)\b(?! --kubeconfig)")


def options(path: Path, context: str | None = None) -> str:
    """The options that lead kubectl and our commands to the same cluster, a space before them."""
    return written((("kubeconfig", str(path)), ("context", context or "")))


def written(given: Iterable[tuple[str, str]]) -> str:
    """Those options that say something, quoted for a shell, a space before each."""
    return "".join(f" --{name} {shlex.quote(said)}" for name, said in given if said)


def aimed(hint: str, path: Path, context: str | None = None) -> str:
    """A hint whose commands lead to the same cluster, wherever KUBECONFIG leads."""
    return _COMMANDS.sub(lambda found: found[0] + options(path, context), hint)


class RefusedError(errors.OuranosError):
    """A kubeconfig leads to no cluster that can be used; `hint` says what a person could do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Identity(httpx2.Auth):
    """Who speaks: nobody, or who bears a token; one in a file is read again when that changes."""

    def __init__(
        self,
        token: str = "",
        file: Path | None = None,
        server_name: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Prepare to sign requests.

        Args:
            token: what lets its bearer in.
            file: where the token is, instead; a kubelet writes a new one there every hour.
            server_name: the name that the server's certificate must have, instead of its address.
            headers: what every request says beside it: as whom to act.
        """
        self._token = token
        self._file = file
        self._server_name = server_name
        self._headers = headers
        self._seen: tuple[int, int] | None = None

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Sign a request."""
        if token := self._present():
            request.headers["Authorization"] = f"Bearer {token}"
        if self._headers:
            request.headers = httpx2.Headers([*request.headers.raw, *self._headers])
        if self._server_name:
            request.extensions = {**request.extensions, "sni_hostname": self._server_name}
        yield request

    def _present(self) -> str:
        if self._file is None:
            return self._token
        try:
            found = self._file.stat()
            if (found.st_ino, found.st_mtime_ns) != self._seen:
                self._token = self._file.read_text(encoding="utf-8").strip()
                self._seen = (found.st_ino, found.st_mtime_ns)
        except OSError as error:
            # The old one may be good for a while; the server is the one to say.
            if not self._token:
                raise errors.Unreachable(f"no token in {self._file}: {error.strerror}") from error
        return self._token


@dataclass(frozen=True, slots=True)
class Access:
    """Where a cluster is, how it is known, and as whom it is spoken to."""

    server: str
    trust: ssl.SSLContext
    identity: Identity
    namespace: str = "default"
    proxy: str | None = None

    @contextlib.asynccontextmanager
    async def open(self, *, manager: str = "ouranos") -> AsyncGenerator[cluster.Cluster]:
        """Hold connections open; nothing is sent before the first call."""
        transport = httpx2.AsyncHTTPTransport(
            verify=self.trust,
            trust_env=False,
            limits=_LIMITS,
            proxy=self.proxy,
            socket_options=_SOCKET,
        )
        async with httpx2.AsyncClient(
            transport=transport, base_url=self.server, auth=self.identity, trust_env=False
        ) as http:
            yield cluster.Cluster(http, manager=manager)


@contextlib.asynccontextmanager
async def connect(
    path: Path, context: str | None = None, *, manager: str = "ouranos"
) -> AsyncGenerator[cluster.Cluster]:
    """Hold connections open to the cluster of a kubeconfig, after one call that proves them good.

    Args:
        path: the kubeconfig.
        context: which of its contexts; the current one by default.
        manager: the field manager of what is written.

    Raises:
        RefusedError: there is no such file or context, or the cluster does not let us in.
    """
    access = read(path, context)
    async with access.open(manager=manager) as source:
        await _prove(source, access, path)
        yield source


def in_cluster(environment: Mapping[str, str] | None = None, folder: Path = IN_CLUSTER) -> Access:
    """Return the access that a pod's service account gives; nothing is sent.

    Raises:
        RefusedError: this process runs in no pod, or in one without a service account's token.
    """
    known = os.environ if environment is None else environment
    host, port = known.get("KUBERNETES_SERVICE_HOST"), known.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise RefusedError(
            "this process does not run in a pod of a cluster", "name one by --kubeconfig FILE"
        )
    token, authority = folder / "token", folder / "ca.crt"
    for file in (token, authority):
        if not file.is_file():
            raise RefusedError(
                f"{file} does not exist", "the pod needs a ServiceAccount whose token is mounted"
            )
    namespace = folder / "namespace"
    return Access(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        trust=_trust({"certificate-authority": str(authority)}, folder),
        identity=Identity(file=token),
        namespace=namespace.read_text(encoding="utf-8").strip()
        if namespace.is_file()
        else "default",
    )


def read(path: Path, context: str | None = None) -> Access:
    """Return the access that a kubeconfig gives; nothing is sent.

    Raises:
        RefusedError: it cannot be read, names no such context, or wants what is not supported.
    """
    found = _document(path)
    name = context or found.get("current-context")
    if not name:
        raise RefusedError(f"{path} has no current-context", _choice(found))
    chosen = _named(found, "contexts", "context", name)
    if chosen is None:
        raise RefusedError(f"{path} has no context {name!r}", _choice(found))
    place = _named(found, "clusters", "cluster", str(chosen.get("cluster")))
    user = _named(found, "users", "user", str(chosen.get("user")))
    if place is None or not place.get("server"):
        raise RefusedError(f"the context {name!r} of {path} names a cluster without a server")
    if user is None and chosen.get("user"):
        raise RefusedError(f"the context {name!r} of {path} names a user that is not in it")
    folder = path.absolute().parent
    trust = _trust(place, folder)
    _present_ourselves(trust, user or {}, folder)
    for field in ("server", "proxy-url"):
        if (address := place.get(field)) and not _is_address(str(address)):
            raise RefusedError(
                f"the {field} of {path} cannot be used: {address}", "name it by http:// or https://"
            )
    return Access(
        server=str(place["server"]).rstrip("/"),
        trust=trust,
        identity=_identity(user or {}, folder, str(place.get("tls-server-name") or "")),
        namespace=str(chosen.get("namespace") or "default"),
        proxy=place.get("proxy-url"),
    )


def _is_address(text: str) -> bool:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


def _document(path: Path) -> Object:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be read: {error.strerror}", "name a kubeconfig by --kubeconfig FILE"
        ) from error
    except ValueError as error:
        raise RefusedError(f"{path} is no text") from error
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RefusedError(f"{path} is no YAML: {error}") from error
    if not isinstance(found, dict) or cast("Object", found).get("kind") != "Config":
        raise RefusedError(f"{path} is no kubeconfig: its kind is not Config")
    return cast("Object", found)


def _named(found: Object, plural: str, singular: str, name: str) -> Object | None:
    for one in objects.entries(found, plural):
        if one.get("name") == name:
            return one.get(singular) or {}
    return None


def _choice(found: Object) -> str:
    names = [str(one.get("name")) for one in objects.entries(found, "contexts")]
    return f"it has {', '.join(names)}" if names else "it has no contexts at all"


def _content(section: Object, field: str, folder: Path) -> bytes | None:
    """What a field says, as data in the kubeconfig or in a file beside it."""
    if data := section.get(f"{field}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RefusedError(f"{field}-data is not base64") from error
    if name := section.get(field):
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise RefusedError(f"{field} cannot be read: {name}: {error.strerror}") from error
    return None


def _trust(place: Object, folder: Path) -> ssl.SSLContext:
    authority = _content(place, "certificate-authority", folder)
    if place.get("insecure-skip-tls-verify"):
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        return trust
    try:
        # Bundles name authorities in comments, in any language; OpenSSL takes ASCII only.
        text = None if authority is None else authority.decode("ascii", "ignore") or "\n"
        trust = ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise RefusedError(f"certificate-authority is no certificate in PEM: {error}") from error
    # Python 3.13 would refuse authorities without a key identifier, with which clusters live well.
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return trust


def _present_ourselves(trust: ssl.SSLContext, user: Object, folder: Path) -> None:
    certificate = _content(user, "client-certificate", folder)
    key = _content(user, "client-key", folder)
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise RefusedError("the user has only one of client-certificate and client-key")
    # OpenSSL reads files only; one in memory leaves nothing on a disk.
    handle = os.memfd_create("client", os.MFD_CLOEXEC)
    with os.fdopen(handle, "wb") as file:
        file.write(key + b"\n" + certificate)
        file.flush()
        try:
            trust.load_cert_chain(f"/proc/self/fd/{handle}")
        except (ssl.SSLError, ValueError) as error:
            raise RefusedError(f"client-certificate and client-key do not fit: {error}") from error


def _identity(user: Object, folder: Path, server_name: str) -> Identity:
    for field in ("exec", "auth-provider"):
        if wanted := user.get(field):
            named = cast("Object", wanted).get("command") if isinstance(wanted, dict) else wanted
            program = named or "a program"
            raise RefusedError(
                f"the user logs in by a program ({field}: {program}), which is not supported",
                "make a kubeconfig with a token: kubectl create token SERVICEACCOUNT",
            )
    if user.get("username"):
        raise RefusedError("the user logs in by name and password, which Kubernetes has given up")
    file = user.get("tokenFile")
    return Identity(
        str(user.get("token") or ""),
        folder / file if file else None,
        server_name,
        [(name.encode(), str(said).encode()) for name, said in _impersonated(user)],
    )


def _impersonated(user: Object) -> Iterator[tuple[str, str]]:
    """As whom the user wants to act, in Kubernetes' headers."""
    for field, header in (("as", "User"), ("as-uid", "Uid")):
        if said := user.get(field):
            yield f"Impersonate-{header}", said
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", group
    for name, values in objects.mapping(user, "as-user-extra").items():
        for value in values:
            yield f"Impersonate-Extra-{parse.quote(name, safe='')}", value


async def _prove(source: cluster.Cluster, access: Access, path: Path) -> None:
    try:
        await source.version()
    except errors.Unreachable as error:
        if (refused := _untrusted(error)) is not None:
            raise RefusedError(
                f"the certificate of {access.server} is not trusted: {refused.verify_message}",
                f"the certificate-authority in {path} is not the server's, or its name differs",
            ) from error
        raise RefusedError(
            f"{access.server} does not answer: {error}", f"it is the server that {path} names"
        ) from error
    except errors.ApiError as error:
        hint = "try again; it is the server that is in trouble, or what is before it"
        if error.status in {UNAUTHORISED, _FORBIDDEN}:
            hint = f"the credentials in {path} are wrong or have ended"
        said = "does not know us" if error.status == UNAUTHORISED else f"refuses: {error.message}"
        raise RefusedError(f"{access.server} {said}", hint) from error


def _untrusted(error: BaseException) -> ssl.SSLCertVerificationError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause
