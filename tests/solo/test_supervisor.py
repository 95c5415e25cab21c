"""How soon is a daemon started again that has ended?"""

from ouranos.solo import supervisor


def pauses(ran: float, *, killed: bool) -> list[float]:
    found: list[float] = [0.5]
    for _ in range(8):
        found.append(supervisor.next_pause(found[-1], ran, killed=killed))
    return found


def test_a_daemon_that_fails_at_its_start_is_tried_less_and_less_often() -> None:
    assert pauses(1.0, killed=False) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_daemon_that_is_killed_again_and_again_is_back_within_seconds() -> None:
    assert pauses(1.0, killed=True) == [0.5, 1, 2, 2, 2, 2, 2, 2, 2]


def test_a_daemon_that_ran_for_a_while_is_started_at_once() -> None:
    assert pauses(61.0, killed=False) == [0.5] * 9
