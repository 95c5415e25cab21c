"""Does a session log in, renew its token, and sort what comes back?"""

import fake_openstack
import httpx2
import pytest

from ouranos.kit import errors, metrics, seams
from ouranos.openstack import client, sessions

PROJECTS = "http://keystone:5000/v3/projects"


async def test_one_login_serves_many_requests(
    cloud: fake_openstack.FakeOpenStack, session: client.Session
) -> None:
    await session.get(PROJECTS)
    await session.get(PROJECTS)
    assert [path for _, path in cloud.requests].count("/v3/auth/tokens") == 1


async def test_a_revoked_token_is_renewed(
    cloud: fake_openstack.FakeOpenStack, session: client.Session
) -> None:
    await session.get(PROJECTS)
    cloud.revoke()
    assert await session.get(PROJECTS) == {"projects": []}


async def test_what_is_not_there_is_none_or_an_error(session: client.Session) -> None:
    assert await session.get(f"{PROJECTS}/none") is None
    with pytest.raises(errors.Transient):
        await session.get(f"{PROJECTS}/none", missing_is_none=False)
    await session.delete(f"{PROJECTS}/none")


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, "not ready", errors.Transient),
        (403, "no", errors.Transient),
        (409, "exists", client.ClashError),
        (409, "Quota exceeded", errors.Transient),
        (500, "oops", errors.Transient),
        (501, "never", errors.Terminal),
        (503, "later", errors.Transient),
    ],
)
async def test_an_answer_is_sorted_by_what_follows(
    cloud: fake_openstack.FakeOpenStack,
    session: client.Session,
    status: int,
    said: str,
    kind: type[Exception],
) -> None:
    cloud.broken = lambda method, _: (status, {"message": said}) if method == "PUT" else None
    with pytest.raises(kind) as caught:
        await session.put(PROJECTS)
    assert type(caught.value) is kind or kind is not errors.Transient
    assert said in str(caught.value)


async def test_no_answer_is_transient(
    cloud: fake_openstack.FakeOpenStack, session: client.Session
) -> None:
    cloud.loses = lambda method, _: method == "GET"
    with pytest.raises(errors.Unreachable):
        await session.get(PROJECTS)


async def test_calls_are_counted(session: client.Session) -> None:
    before = metrics.EXTERNAL_CALLS.value("keystone", "GET", "200")
    await session.get(PROJECTS)
    assert metrics.EXTERNAL_CALLS.value("keystone", "GET", "200") == before + 1


async def test_a_wrong_password_is_transient(cloud: fake_openstack.FakeOpenStack) -> None:
    http = httpx2.AsyncClient(transport=cloud)
    login = client.Login("admin", "wrong", "admin")
    session = client.Session(http, "http://keystone:5000", login, seams.WallClock())
    with pytest.raises(errors.Transient):
        await session.token()


def test_a_namespace_keeps_its_session_until_something_changes() -> None:
    kept = sessions.Sessions(fake_openstack.FakeOpenStack())
    clock = seams.WallClock()
    login = client.Login("admin", "secret", "admin")
    first = kept.admin("home", "http://a", login, clock)
    assert kept.admin("home", "http://a", login, clock) is first
    assert kept.admin("home", "http://b", login, clock) is not first
    assert kept.admin("other", "http://a", login, clock) is not first
