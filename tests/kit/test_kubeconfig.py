"""Is the cluster reached that a kubeconfig names, and is it said why where it is not?"""

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ouranos.engine.apiserver import tls
from ouranos.kit import cluster, errors, kubeconfig

pytestmark = pytest.mark.enable_socket


class Server:
    """A server with TLS that answers every request the same, and keeps what it was asked."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.asked: list[str] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
                body = b'{"kind": "Status", "message": "no", "gitVersion": "v1"}'
                head = f"HTTP/1.1 {self.status}\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def serving(files: tls.Files, status: str = "200 OK") -> AsyncGenerator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.authority)
    context.load_cert_chain(files.certificate, files.key)
    context.verify_mode = ssl.CERT_OPTIONAL
    answering = Server(status)
    listening = await asyncio.start_server(answering.answer, "127.0.0.1", 0, ssl=context)
    answering.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield answering


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tls.Files:
    made = tls.ensure(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    folder = made.authority.parent
    authority = x509.load_pem_x509_certificate(made.authority.read_bytes())
    signing = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(cast("ec.EllipticCurvePrivateKey", signing), hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "client.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "client.key").write_bytes(key.private_bytes(pem, form, plain))
    return made


def document(server: str, place: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, **place}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [
            {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "home"}},
            {"name": "nowhere", "context": {"cluster": "?"}},
            {"name": "nobody", "context": {"cluster": "c", "user": "?"}},
            {"name": "anyone", "context": {"cluster": "c"}},
        ],
        "current-context": "x",
    }


def written(path: Path, content: Any) -> Path:
    file = path / "config"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def descriptors() -> set[str]:
    """What this process has open in memory only."""
    found: set[str] = set()
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(one.readlink()))
    return {one for one in found if "memfd" in one}


def data(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()


async def test_a_token_and_certificates_in_the_kubeconfig_let_us_in(
    files: tls.Files, tmp_path: Path
) -> None:
    user = {
        "token": "let-me-in",
        "client-certificate-data": data(files.authority.with_name("client.crt")),
        "client-key-data": data(files.authority.with_name("client.key")),
    }
    place = {"certificate-authority-data": data(files.authority)}
    before = descriptors()
    async with serving(files) as server:
        config = written(tmp_path, document(f"https://127.0.0.1:{server.port}/", place, user))
        async with kubeconfig.connect(config) as source:
            assert await source.is_ready()
        assert kubeconfig.read(config).namespace == "home"
    assert [one.split()[1] for one in server.asked] == ["/version", "/readyz"]
    assert all("authorization: bearer let-me-in" in one.lower() for one in server.asked)
    assert descriptors() - before == set()


async def test_files_are_named_from_where_the_kubeconfig_is(
    files: tls.Files, tmp_path: Path
) -> None:
    for name in ("ca.crt", "client.crt", "client.key"):
        (tmp_path / name).write_bytes(files.authority.with_name(name).read_bytes())
    (tmp_path / "token").write_text("first\n")
    user = {
        "tokenFile": "token",
        "client-certificate": "client.crt",
        "client-key": "client.key",
    }
    place = {"certificate-authority": "ca.crt", "tls-server-name": "kubernetes"}
    async with serving(files) as server:
        config = written(tmp_path, document(f"https://localhost:{server.port}", place, user))
        async with kubeconfig.connect(config) as source:
            (tmp_path / "token").write_text("the second\n")
            await source.version()
            await source.version()
            (tmp_path / "token").unlink()
            await source.version()
    found = [one.lower().partition("bearer ")[2].partition("\r")[0] for one in server.asked]
    assert found == ["first", "the second", "the second", "the second"]


def test_who_acts_as_somebody_else_says_so_in_every_request(tmp_path: Path) -> None:
    user = {
        "token": "of-the-administrator",
        "as": "jürg",
        "as-uid": "7",
        "as-groups": ["dev", "ops"],
        "as-user-extra": {"example.org/Team": ["a", "b"]},
    }
    identity = kubeconfig.read(written(tmp_path, document(S, {}, user))).identity
    request = next(identity.auth_flow(httpx2.Request("GET", S)))
    found = [
        (name.decode().lower(), value.decode())
        for name, value in request.headers.raw
        if name.lower().startswith(b"impersonate-")
    ]
    assert found == [
        ("impersonate-user", "jürg"),
        ("impersonate-uid", "7"),
        ("impersonate-group", "dev"),
        ("impersonate-group", "ops"),
        ("impersonate-extra-example.org%2fteam", "a"),
        ("impersonate-extra-example.org%2fteam", "b"),
    ]
    assert request.headers["authorization"] == "Bearer of-the-administrator"
    assert request.headers["host"]


async def test_a_token_that_is_not_there_yet_may_come(tmp_path: Path) -> None:
    identity = kubeconfig.Identity(file=tmp_path / "token")
    with pytest.raises(errors.Unreachable, match="no token in"):
        next(identity.auth_flow(httpx2.Request("GET", "https://api/")))


async def test_who_says_so_trusts_every_server(files: tls.Files, tmp_path: Path) -> None:
    async with serving(files) as server:
        place = {"insecure-skip-tls-verify": True}
        config = written(tmp_path, document(f"https://127.0.0.1:{server.port}", place, {}))
        async with kubeconfig.connect(config, "anyone") as source:
            assert (await source.version())["gitVersion"] == "v1"
    assert "authorization" not in server.asked[0].lower()


async def refusal(path: Path, context: str | None = None) -> kubeconfig.RefusedError:
    with pytest.raises(kubeconfig.RefusedError) as caught:
        async with kubeconfig.connect(path, context):
            raise AssertionError
    return caught.value


def test_an_authority_is_trusted_by_the_rules_of_kubernetes_own_clients(
    files: tls.Files, tmp_path: Path
) -> None:
    """They ask for no key identifier; Python does from 3.13 on, unless it is told not to."""
    place = {"certificate-authority-data": data(files.authority)}
    config = written(tmp_path, document("https://127.0.0.1:1", place, {}))
    assert not kubeconfig.read(config).trust.verify_flags & ssl.VERIFY_X509_STRICT


def test_authorities_may_be_named_in_comments(files: tls.Files, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes("# Zürich\n".encode() + files.authority.read_bytes())
    place = {"certificate-authority": "ca.crt"}
    trust = kubeconfig.read(written(tmp_path, document(S, place, {}))).trust
    assert len(trust.get_ca_certs()) == 1


async def test_an_empty_authority_is_not_all_authorities(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(b"")
    place = {"certificate-authority": "ca.crt"}
    refused = await refusal(written(tmp_path, document(S, place, {})))
    assert "no certificate in PEM" in refused.message


async def test_a_server_of_another_authority_is_not_trusted(
    files: tls.Files, tmp_path: Path
) -> None:
    other = tls.ensure(tmp_path / "other", "127.0.0.1")
    async with serving(files) as server:
        place = {"certificate-authority-data": data(other.authority)}
        config = written(tmp_path, document(f"https://127.0.0.1:{server.port}", place, {}))
        assert "is not trusted" in (await refusal(config)).message


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        ("401 Unauthorized", "does not know us", "credentials"),
        ("403 Forbidden", "refuses: no", "credentials"),
        ("429 Too Many Requests", "refuses: no", "try again"),
        ("502 Bad Gateway", "refuses: no", "try again"),
        ("503 Service Unavailable", "refuses: no", "try again"),
    ],
)
async def test_a_server_that_does_not_let_us_in(
    files: tls.Files, tmp_path: Path, status: str, said: str, hint: str
) -> None:
    place = {"certificate-authority-data": data(files.authority)}
    async with serving(files, status) as server:
        config = written(tmp_path, document(f"https://127.0.0.1:{server.port}", place, {}))
        refused = await refusal(config)
    assert said in refused.message
    assert hint in refused.hint


async def test_a_server_that_is_not_there(files: tls.Files, tmp_path: Path) -> None:
    async with serving(files) as server:
        pass
    config = written(tmp_path, document(f"https://127.0.0.1:{server.port}", {}, {}))
    assert "does not answer" in (await refusal(config)).message


S = "https://127.0.0.1:1"


@pytest.mark.parametrize(
    ("content", "context", "said"),
    [
        ("{", None, "is no YAML"),
        ("[]", None, "its kind is not Config"),
        ({"kind": "Config"}, None, "has no current-context"),
        (document(S, {}, {}), "elsewhere", "has no context 'elsewhere'"),
        (document(S, {}, {}), "nowhere", "a cluster without a server"),
        (document(S, {}, {}), "nobody", "a user that is not in it"),
        (document(S, {}, {"exec": {"command": "aws"}}), None, "a program (exec: aws)"),
        (document(S, {}, {"exec": "aws"}), None, "a program (exec: aws)"),
        (document("https://host:port", {}, {}), None, "server of"),
        (document("https://[::1", {}, {}), None, "cannot be used: https://[::1"),
        (document("cluster.example:6443", {}, {}), None, "cannot be used"),
        (document(S, {"proxy-url": "socks5://127.0.0.1:1"}, {}), None, "proxy-url of"),
        (document(S, {"proxy-url": "127.0.0.1:3128"}, {}), None, "cannot be used: 127"),
        (document(S, {}, {"auth-provider": {"name": "gcp"}}), None, "not supported"),
        (document(S, {}, {"username": "u", "password": "p"}), None, "by name and password"),
        (document(S, {}, {"client-key-data": "eA=="}), None, "has only one of"),
        (document(S, {}, {"client-key-data": "x"}), None, "client-key-data is not base64"),
        (document(S, {}, {"client-key": "not-there"}), None, "client-key cannot be read"),
        (
            document(S, {}, {"client-key-data": "eA==", "client-certificate-data": "eA=="}),
            None,
            "do not fit",
        ),
        (document(S, {"certificate-authority-data": "eA=="}, {}), None, "no certificate in PEM"),
    ],
)
async def test_a_kubeconfig_that_leads_nowhere(
    tmp_path: Path, content: Any, context: str | None, said: str
) -> None:
    assert said in (await refusal(written(tmp_path, content), context)).message


async def test_a_kubeconfig_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in (await refusal(tmp_path / "none")).message
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "is no text" in (await refusal(tmp_path / "binary")).message


async def test_contexts_to_choose_from_are_named(tmp_path: Path) -> None:
    refused = await refusal(written(tmp_path, document(S, {}, {})), "elsewhere")
    assert refused.hint == "it has x, nowhere, nobody, anyone"
    assert (await refusal(written(tmp_path, {"kind": "Config"}))).hint.endswith(
        "no contexts at all"
    )


def test_commands_of_a_hint_lead_to_the_same_cluster_from_any_shell() -> None:
    hint = "first ouranos install --namespace x; then kubectl delete cloud home"
    assert kubeconfig.aimed(hint, Path("my config"), "staging") == (
        "first ouranos install --kubeconfig 'my config' --context staging --namespace x; "
        "then kubectl --kubeconfig 'my config' --context staging delete cloud home"
    )
    once = kubeconfig.aimed(hint, Path("k"))
    assert kubeconfig.aimed(once, Path("k")) == once
    assert kubeconfig.aimed("ouranos images load", Path("k")) == "ouranos images load"


async def test_a_pod_reaches_its_cluster_by_its_service_account(
    files: tls.Files, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("mounted")
    (tmp_path / "ca.crt").write_bytes(files.authority.read_bytes())
    async with serving(files) as server:
        known = {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(server.port),
        }
        access = kubeconfig.in_cluster(known, tmp_path)
        assert access.namespace == "default"
        (tmp_path / "namespace").write_text("ouranos-system\n")
        assert kubeconfig.in_cluster(known, tmp_path).namespace == "ouranos-system"
        async with access.open(manager="me") as source:
            assert source.manager == "me"
            await source.version()
    assert "bearer mounted" in server.asked[0].lower()
    access = kubeconfig.in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1"}, tmp_path)
    assert access.server == "https://[fd00::1]:443"


async def test_outside_of_a_pod_there_is_no_service_account(tmp_path: Path) -> None:
    with pytest.raises(kubeconfig.RefusedError, match="does not run in a pod"):
        kubeconfig.in_cluster({}, tmp_path)
    with pytest.raises(kubeconfig.RefusedError, match="token does not exist"):
        kubeconfig.in_cluster({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, tmp_path)


async def test_calls_do_not_wait_for_watches(files: tls.Files, tmp_path: Path) -> None:
    """However many connections watches hold, a call gets one."""
    place = {"certificate-authority-data": data(files.authority)}
    async with serving(files) as server:
        config = written(tmp_path, document(f"https://127.0.0.1:{server.port}", place, {}))
        async with kubeconfig.connect(config) as source, contextlib.AsyncExitStack() as held:
            for _ in range(120):
                stream = source._stream("/held", {}, None)
                await held.enter_async_context(stream)
            assert isinstance(source, cluster.Cluster)
            assert await source.is_ready()
