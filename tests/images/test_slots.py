import asyncio

from ouranos.images.slots import Slots


async def worker(slots: Slots, rank: int, order: list[int]) -> None:
    async with slots.use(rank):
        order.append(rank)
        await asyncio.sleep(0)


async def test_the_lower_rank_is_served_first() -> None:
    slots, order = Slots(1), list[int]()
    async with slots.use(0):
        tasks = [asyncio.create_task(worker(slots, rank, order)) for rank in (3, 1, 2)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == [1, 2, 3]


async def test_as_many_run_at_once_as_there_are_slots() -> None:
    slots, running, most = Slots(2), 0, 0

    async def count() -> None:
        nonlocal running, most
        async with slots.use(0):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(count() for _ in range(7)))
    assert most == 2


async def test_a_waiter_that_gives_up_takes_no_slot_away() -> None:
    slots, order = Slots(1), list[int]()
    async with slots.use(0):
        waiter = asyncio.create_task(worker(slots, 1, order))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
    await worker(slots, 2, order)
    assert order == [2]


async def test_a_waiter_cancelled_at_the_moment_of_its_turn_gives_the_slot_back() -> None:
    slots, order = Slots(1), list[int]()
    waiter: asyncio.Task[None]
    async with slots.use(0):
        waiter = asyncio.create_task(worker(slots, 1, order))
        await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    await worker(slots, 2, order)
    assert order == [2]
