"""Is a claim on a virtual host fulfilled, by the management API's own words?"""

import backing_worlds as worlds
import fake_servers
import pytest

from ouranos.backing import broker, claim
from ouranos.kit import kinds

VHOST = kinds.VHOST


async def made(world: worlds.World) -> None:
    await world.vhost()
    assert (await world.pass_over(VHOST, "nova")).done
    world.broker.fate = fake_servers.Fate()


async def test_a_claim_makes_one_virtual_host_and_one_user_with_marks(
    world: worlds.World,
) -> None:
    await made(world)
    assert world.broker.vhosts == {"nova": "ouranos:home/nova"}
    assert world.broker.users["nova"]["tags"] == ["ouranos:home"]
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    assert world.broker.permissions == {("nova", "nova"): everything}
    found = await world.source.get(VHOST, "nova", "home")
    assert found is not None
    assert (found["status"]["host"], found["status"]["port"]) == ("rabbitmq", 5672)


async def test_a_second_pass_writes_nothing(world: worlds.World) -> None:
    await made(world)
    assert (await world.pass_over(VHOST, "nova")).done
    assert world.broker.fate.writes == []


async def test_a_broker_that_tells_nobody_is_looked_at_once_a_minute(world: worlds.World) -> None:
    await made(world)
    assert (await world.pass_over(VHOST, "nova")).again_in == claim.AGAIN


@pytest.mark.parametrize("damage", ["vhost", "user", "password", "permission"])
async def test_what_was_lost_is_made_again(world: worlds.World, damage: str) -> None:
    await made(world)
    if damage == "vhost":
        world.broker.vhosts.clear()
        world.broker.permissions.clear()
    elif damage == "user":
        world.broker.users.clear()
    elif damage == "password":
        await world.secret("nova-queue-1", "nova", "second")
    else:
        world.broker.permissions.clear()
    assert (await world.pass_over(VHOST, "nova")).done
    kept = world.broker.users["nova"]["password_hash"]
    user = broker.User(frozenset(), kept)
    assert user.has("second" if damage == "password" else "first")
    assert list(world.broker.vhosts) == ["nova"]
    assert list(world.broker.permissions) == [("nova", "nova")]


@pytest.mark.parametrize(
    ("what", "mark", "said"),
    [
        ("vhost", "", "was not made by Ouranos"),
        ("vhost", "the queues of billing", "was not made by Ouranos"),
        ("vhost", "ouranos:away/nova", "belongs to ouranos:away/nova"),
        ("user", "", "was not made by Ouranos"),
        ("user", "ouranos:away", "belongs to ouranos:away"),
    ],
)
async def test_a_strangers_thing_is_not_touched_until_a_person_says_so(
    world: worlds.World, what: str, mark: str, said: str
) -> None:
    if what == "vhost":
        world.broker.vhosts["nova"] = mark
    else:
        tags = [mark] if mark else []
        world.broker.users["nova"] = {"tags": tags, "password_hash": "c2FsdHJlc3Q="}
    await world.vhost()
    result = await world.pass_over(VHOST, "nova")
    assert result.terminal
    assert said in result.sentence
    assert not [one for one in world.broker.fate.writes if f"/{what}s/" in one]
    await world.annotate(VHOST, "nova", adopt="nova")
    assert (await world.pass_over(VHOST, "nova")).done


async def test_things_of_another_cluster_in_a_shared_broker_are_a_strangers(
    world: worlds.World,
) -> None:
    await world.external()
    await made(world)
    async with world.other_cluster() as other:
        await other.vhost()
        await other.secret("nova-queue-1", "nova", "second")
        result = await other.pass_over(VHOST, "nova")
        assert result.terminal
        assert "the virtual host nova in RabbitMQ rabbitmq belongs to ouranos:home/nova@" in (
            result.sentence
        )
        world.broker.vhosts.clear()
        result = await other.pass_over(VHOST, "nova")
        assert "the user nova in RabbitMQ rabbitmq belongs to ouranos:home@" in result.sentence
    assert not [one for one in world.broker.fate.writes if "/users/" in one]


async def test_one_user_with_two_secrets_is_refused_to_the_claim_that_comes_second(
    world: worlds.World,
) -> None:
    await made(world)
    await world.secret("billing-1", "nova", "another")
    spec = {"rabbitmqRef": {"name": "rabbitmq"}, "vhost": "billing"}
    await world.apply(VHOST, "billing", spec=spec | {"secretRef": {"name": "billing-1"}})
    result = await world.pass_over(VHOST, "billing")
    assert result.terminal
    assert "in Secret nova-queue-1 for Vhost nova" in result.sentence
    assert (await world.pass_over(VHOST, "nova")).done


async def test_queues_go_with_the_claim_only_where_a_person_says_so(
    world: worlds.World,
) -> None:
    await made(world)
    await world.source.delete(VHOST, "nova", "home")
    await world.pass_over(VHOST, "nova")
    assert list(world.broker.vhosts) == ["nova"]
    await made(world)
    await world.annotate(VHOST, "nova", delete_data="nova")
    await world.source.delete(VHOST, "nova", "home")
    await world.pass_over(VHOST, "nova")
    assert await world.source.get(VHOST, "nova", "home") is None
    assert world.broker.vhosts == {}
    assert world.broker.users == {}


async def test_a_strangers_things_stay_whatever_is_said_of_a_claim_that_goes(
    world: worlds.World,
) -> None:
    await made(world)
    world.broker.vhosts["nova"] = "ouranos:away/nova"
    world.broker.users["nova"]["tags"] = ["ouranos:away"]
    await world.annotate(VHOST, "nova", delete_data="nova")
    await world.source.delete(VHOST, "nova", "home")
    await world.pass_over(VHOST, "nova")
    assert await world.source.get(VHOST, "nova", "home") is None
    assert list(world.broker.vhosts) == ["nova"]
    assert list(world.broker.users) == ["nova"]


async def test_the_user_of_a_claim_that_goes_may_be_gone_before(world: worlds.World) -> None:
    await made(world)
    world.broker.users.clear()
    await world.annotate(VHOST, "nova", delete_data="nova")
    await world.source.delete(VHOST, "nova", "home")
    await world.pass_over(VHOST, "nova")
    assert world.broker.vhosts == {}


@pytest.mark.parametrize(
    ("trouble", "kind"), [(503, "transient"), (-1, "transient"), (401, "terminal")]
)
async def test_trouble_is_told_apart(world: worlds.World, trouble: int, kind: str) -> None:
    await world.vhost()
    world.broker.trouble = trouble
    result = await world.pass_over(VHOST, "nova")
    assert result.failures
    assert result.terminal == (kind == "terminal")
    assert "of-the-server" not in result.sentence


async def test_what_answers_but_is_no_management_api_is_named(world: worlds.World) -> None:
    await world.vhost()
    world.broker.page = "<html>maintenance</html>"
    result = await world.pass_over(VHOST, "nova")
    assert result.reason == "TransientError"
    assert "RabbitMQ at 172.31.0.2:15672: GET /vhosts/nova was not answered" in result.sentence


async def test_a_broker_may_keep_passwords_by_another_digest(world: worlds.World) -> None:
    await made(world)
    hashing = "rabbit_password_hashing_sha512"
    kept = broker.hashed("first", b"salt", hashing)
    world.broker.users["nova"] |= {"password_hash": kept, "hashing_algorithm": hashing}
    assert (await world.pass_over(VHOST, "nova")).done
    assert world.broker.fate.writes == []


async def test_a_password_is_kept_as_rabbitmq_keeps_it() -> None:
    # The example of RabbitMQ's documentation: "test12", salt 908DC60A.
    kept = broker.hashed("test12", bytes.fromhex("908DC60A"))
    assert kept == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


async def test_a_login_does_not_show_its_password() -> None:
    assert "hidden" not in repr(broker.connect(broker.Login("h", 1, "u", "hidden")))
    assert "hidden" not in repr(broker.Login("h", 1, "u", "hidden"))
