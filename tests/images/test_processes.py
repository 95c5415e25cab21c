import asyncio
import os
import time
from pathlib import Path

import pytest

from ouranos.images import processes
from ouranos.images.processes import Job, Patience

JOB = Job("testing", Patience(step=4, stall=4))


async def test_output_comes_back() -> None:
    assert await processes.run(["echo", "words"], JOB) == b"words\n"


async def test_what_a_program_reads_is_given_to_it() -> None:
    assert await processes.run(["cat"], JOB, stdin=b"words") == b"words"


async def test_output_goes_to_a_file_where_asked(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        assert await processes.run(["echo", "words"], JOB, stdout=file.fileno()) == b""
    assert (tmp_path / "file").read_text() == "words\n"


async def test_an_error_says_what_for_and_the_last_words() -> None:
    with pytest.raises(processes.Failed, match="testing: ended with 3: so it is"):
        await processes.run(["sh", "-c", "echo W: noise >&2; echo so it is >&2; exit 3"], JOB)


@pytest.mark.parametrize("words", ["tar: x: No space left on device", "Disk quota exceeded"])
async def test_a_full_disk_is_told_apart(words: str) -> None:
    with pytest.raises(processes.DiskFull, match="testing: no space left on the disk"):
        await processes.run(["sh", "-c", f"echo '{words}' >&2; exit 2"], JOB)


@pytest.mark.parametrize(
    ("number", "kind"), [(28, processes.DiskFull), (122, processes.DiskFull), (5, processes.Failed)]
)
def test_errors_of_the_operating_system_are_ours(number: int, kind: type[Exception]) -> None:
    assert type(processes.translated(OSError(number, "words"), "testing")) is kind


async def test_a_program_that_does_not_end_is_ended() -> None:
    with pytest.raises(processes.Failed, match="testing: not done within 0 s"):
        await processes.run(["sleep", "60"], Job("testing", Patience(step=0.1)))


async def test_a_program_that_does_not_come_forward_is_ended() -> None:
    job = Job("testing", Patience(step=60, stall=0.3), lambda: 7)
    with pytest.raises(processes.Failed, match="testing: nothing has arrived for 0 s"):
        await processes.run(["sleep", "60"], job)


async def test_a_program_that_comes_forward_is_not_ended() -> None:
    job = Job("testing", Patience(step=60, stall=0.3), time.monotonic_ns)
    await processes.run(["sleep", "1.2"], job)


async def test_a_cancelled_caller_leaves_no_program(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    task = asyncio.create_task(processes.run(["sh", "-c", f"echo $$ >{mark}; exec sleep 60"], JOB))
    while not (mark.exists() and mark.read_text().strip()):  # noqa: ASYNC110 - a program writes it
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_little_of_our_environment_reaches_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    output = (await processes.run(["env"], JOB, env={"OWN": "yes"})).decode().splitlines()
    assert "https_proxy=http://proxy:3128" in output
    assert "OWN=yes" in output
    assert not [line for line in output if line.startswith("PYTHON")]


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 40), ("7", 7), ("0", 40), ("-1", 40), ("soon", 40), ("9" * 99, 40)]
)
def test_how_long_a_registry_may_be_silent_can_be_set(
    text: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURANOS_REGISTRY_TIMEOUT", text)
    assert processes.Patience.of_environment().stall == seconds
