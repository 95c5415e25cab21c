"""Is every server's pod as little as can be, and is each page's own arithmetic right?"""

import asyncio
from random import Random

import pytest

from ouranos import backing
from ouranos.backing import manifests, mariadb, memcached, rabbitmq, sql, wire
from ouranos.kit import errors, seams

IDENTITY = manifests.Identity("server", "home")


def pods() -> list[tuple[str, dict[str, object]]]:
    sources = manifests.Sources("image", "config", "secret", ("key",), "digest", "1Gi")
    return [
        (one.kind.kind, manifests.stateful_set(IDENTITY, one.pod({}), sources)["spec"]["template"])
        for one in backing.PAGES
    ]


@pytest.mark.parametrize(("name", "template"), pods(), ids=lambda one: str(one)[:9])
def test_no_server_has_a_capability_a_writable_root_or_the_root_user(
    name: str, template: dict[str, object]
) -> None:
    spec = template["spec"]
    assert isinstance(spec, dict)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 42000
    assert spec["automountServiceAccountToken"] is False
    for container in (*spec["initContainers"], *spec["containers"]):
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize(("name", "template"), pods(), ids=lambda one: str(one)[:9])
def test_every_server_listens_on_its_pods_address_alone(
    name: str, template: dict[str, object]
) -> None:
    spec = template["spec"]
    assert isinstance(spec, dict)
    told = str(spec["containers"]) + str(rabbitmq.PAGE.files["rabbitmq.conf"])
    assert "0.0.0.0" not in told
    for container in spec["containers"]:
        if container.get("ports"):
            assert manifests.POD_IP in container["env"]


@pytest.mark.parametrize(
    ("quantity", "found"), [("64Mi", 64), ("1Gi", 1024), ("512Ki", 1), ("1.5Gi", 1536)]
)
def test_a_size_is_told_to_memcached_in_mebibytes(quantity: str, found: int) -> None:
    assert memcached.mebibytes(quantity) == found


@pytest.mark.parametrize("quantity", ["64", "64M", "", "Mi"])
def test_what_is_no_size_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is Python's own in one case
        memcached.mebibytes(quantity)


def test_the_servers_accounts_are_told_one_statement_per_line() -> None:
    (statements,) = mariadb.account("ouranos", "secret", Random(1)).values()
    assert len(statements.splitlines()) == 3
    assert all(line.endswith(";") for line in statements.splitlines())


def test_rabbitmq_is_never_told_its_password_in_clear() -> None:
    further = rabbitmq.account("ouranos", "secret", Random(1))
    assert "secret" not in str(further)
    assert '"password_hash"' in further["definitions.json"]


@pytest.mark.parametrize(("name", "said"), [("nova", "`nova`"), ("a`b", "`a``b`")])
def test_a_name_is_quoted(name: str, said: str) -> None:
    assert sql.quoted(name) == said


@pytest.mark.enable_socket
async def test_a_server_that_is_not_there_is_unreachable() -> None:
    login = sql.Login("127.0.0.1", 1, "u", "p")

    with pytest.raises(errors.Unreachable, match=r"MariaDB at 127\.0\.0\.1:1"):
        await sql.MariaDb(login, seams.inline).version()


@pytest.mark.enable_socket
async def test_one_question_is_asked_and_one_answer_read() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readline()
        writer.write(b"VERSION 1\r\nmore" if question == b"version\r\n" else b"")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await wire.ask("127.0.0.1", port, b"version\r\n", b"\r\n") == b"VERSION 1\r\n"
    with pytest.raises(errors.Unreachable, match="does not answer"):
        await wire.ask("127.0.0.1", port, b"other\r\n", b"\r\n")
    server.close()
    await server.wait_closed()
    with pytest.raises(errors.Unreachable, match="does not answer"):
        await wire.ask("127.0.0.1", port, b"version\r\n", b"\r\n")
