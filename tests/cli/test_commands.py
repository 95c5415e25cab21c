"""What a person reads, and which exit code a script sees."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ouranos.cli import errors, install, options, up, verify
from ouranos.engine.apiserver import tls
from ouranos.install import trouble
from ouranos.kit import errors as kit_errors
from ouranos.look import remote
from ouranos.solo import lock

OURANOS = Path(sys.executable).with_name("ouranos")


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "OURANOS_ROOT": str(root), "HOME": str(root)}
    return subprocess.run(
        [OURANOS, *words], capture_output=True, text=True, env=environment, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from ouranos import cli; cli.cli.main(['--help'], standalone_mode=False); "
    code += (
        "print(sorted({'pydantic', 'httpx2', 'asyncio', 'structlog', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for word in (
        "up",
        "down",
        "status",
        "verify",
        "logs",
        "metrics",
        "kubeconfig",
        "openstack",
        "doctor",
        "bench",
    ):
        assert f"\n  {word} " in done.stdout


@pytest.mark.parametrize(
    "command", ["status", "down", "verify", "kubeconfig", "logs nova", "metrics", "up"]
)
def test_without_a_cloud_a_command_says_how_to_get_one(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, *command.split())
    assert done.returncode == 1
    assert done.stdout == ""
    assert "error: there is no cloud on this machine" in done.stderr
    assert "hint: bring one up: ouranos up" in done.stderr


def test_with_two_clouds_a_command_asks_which(tmp_path: Path) -> None:
    for name in ("home", "work"):
        (tmp_path / "clouds" / name).mkdir(parents=True)
    done = run(tmp_path, "status")
    assert done.returncode == 1
    assert "several clouds: home, work" in done.stderr
    assert "--cloud home" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "describes nothing", id="an empty file"),
        pytest.param("kind: [", ":", id="broken YAML"),
        pytest.param("- a\n", ":1:1", id="not a mapping"),
    ],
)
def test_a_wrong_file_is_one_error_with_a_hint(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(text)
    done = run(tmp_path, "up", str(file))
    assert done.returncode == 1
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "clouds").exists(), "a wrong file changes nothing"


def a_cloud_that_is_down(root: Path, number: int) -> Path:
    """The folder of a cloud whose API would be on the loopback, where nobody listens."""
    folder = root / "clouds" / "home"
    folder.mkdir(parents=True)
    place = {"release": "2026.2", "management": f"127.77.{number}.0/24"}
    place |= {"public": "127.78.0.0/24", "mtu": 1500}
    (folder / "machine.json").write_text(json.dumps(place))
    (folder / "token").write_text("token\n")
    tls.ensure(folder / "tls", f"127.77.{number}.1")
    return folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("status", "error: home: down\nhint: bring it up: ouranos up --cloud home"),
        ("status -w", "error: home: down\nhint: bring it up: ouranos up --cloud home"),
        ("logs nova", "error: home: down\nhint: bring it up: ouranos up --cloud home"),
        ("logs nova -f", "error: home: down\nhint: bring it up: ouranos up --cloud home"),
        ("metrics", "error: home: down\nhint: bring it up: ouranos up --cloud home"),
        ("verify", "error: home: down\nhint: bring it up: ouranos up --cloud home"),
        ("kubeconfig", "error: the cloud has no kubeconfig yet\nhint: bring it up: ouranos up"),
        ("openstack token issue", "error: home: down\nhint: bring it up: ouranos up --cloud home"),
    ],
)
def test_a_cloud_that_is_down_is_one_error_with_a_hint(
    tmp_path: Path, words: str, said: str
) -> None:
    a_cloud_that_is_down(tmp_path, 1)
    done = run(tmp_path, *words.split())
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert "\nhint: " in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("command", ["status", "verify", "logs nova", "openstack"])
def test_a_kubeconfig_that_is_not_there_is_one_error_with_a_hint(
    tmp_path: Path, command: str
) -> None:
    word, *rest = command.split()
    done = run(tmp_path, word, "--kubeconfig", "nope", *rest)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: nope cannot be read: No such file or directory",
        "hint: name a kubeconfig by --kubeconfig FILE",
    ]


@pytest.mark.parametrize("option", ["namespace", "context"])
def test_what_only_a_cluster_has_is_refused_without_one(tmp_path: Path, option: str) -> None:
    done = run(tmp_path, "status", f"--{option}", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: --{option} is for a cloud in a cluster",
        "hint: name the cluster: --kubeconfig FILE",
    ]


def test_a_cluster_is_named_by_our_variable_and_not_by_that_of_kubectl(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "OURANOS_ROOT": str(tmp_path)}
    said: list[str] = []
    for name in ("KUBECONFIG", "OURANOS_KUBECONFIG"):
        done = subprocess.run(
            [OURANOS, "status"],
            capture_output=True,
            text=True,
            env={**environment, name: str(tmp_path / "nope")},
            check=False,
        )
        said.append(done.stderr.splitlines()[0])
    assert said[0] == "error: there is no cloud on this machine"
    assert said[1] == f"error: {tmp_path}/nope cannot be read: No such file or directory"


def test_who_may_not_write_to_the_images_keeps_the_guest_in_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURANOS_ROOT", str(tmp_path / "new"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert options.guests_folder() == tmp_path / "new" / "images"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert options.guests_folder() == tmp_path / "cache" / "ouranos" / "images"


def test_a_daemon_that_runs_without_an_answer_is_not_down(tmp_path: Path) -> None:
    folder = a_cloud_that_is_down(tmp_path, 2)
    with lock.Lock(folder / "daemon.lock", "daemon"):
        done = run(tmp_path, "metrics")
    assert done.returncode == 1
    assert "error: the cloud's API does not answer: " in done.stderr
    assert "daemon.log" in done.stderr


def test_a_cloud_whose_range_another_uses_says_so_where_it_cannot_be_asked(tmp_path: Path) -> None:
    folder = a_cloud_that_is_down(tmp_path, 2)
    with lock.Lock(folder / "daemon.lock", "daemon"):
        done = run(tmp_path, "status")
    assert done.returncode == 1
    assert done.stderr == (
        "error: home: spec.network.management 127.77.2.0/24 is in use: "
        "127.0.0.0/8 is on the link lo\n"
        "hint: remove that address or route; the cloud then goes on by itself\n"
    )


def test_a_cloud_whose_daemon_is_started_again_is_not_down(tmp_path: Path) -> None:
    folder = a_cloud_that_is_down(tmp_path, 2)
    with lock.Lock(folder / "supervisor.lock", "supervisor"):
        done = run(tmp_path, "metrics")
    assert done.stderr.startswith("error: the cloud's API does not answer: ")


def test_the_password_is_sent_nowhere_while_the_addresses_are_not_ours(tmp_path: Path) -> None:
    folder = a_cloud_that_is_down(tmp_path, 2)
    (folder / "clouds.yaml").write_text("clouds: {}\n")
    done = run(tmp_path, "openstack", "token", "issue")
    assert done.returncode == 1
    assert done.stderr.startswith("error: home: down\nhint: bring it up")


@pytest.mark.parametrize("name", ["nope", "A b", "../home", ""])
def test_a_cloud_that_is_not_there_is_one_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "clouds" / "home").mkdir(parents=True)
    done = run(tmp_path, "status", "--cloud", name)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: there is no cloud {name!r} on this machine\nhint: there is: home\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("up --nonsense", "error: ouranos up: No such option '--nonsense'\nhint: ouranos up -h"),
        ("nonsense", "error: ouranos: No such command 'nonsense'\nhint: ouranos -h"),
        ("logs", "error: ouranos logs: Missing argument 'SERVICE'\nhint: ouranos logs -h"),
        ("logs nova --tail -1", "error: ouranos logs: Invalid value for '--tail': -1 is not"),
        ("up --timeout soon", "error: ouranos up: Invalid value for '--timeout': 'soon' is not"),
        ("status -o xml", "error: ouranos status: Invalid value for '-o' / '--output': 'xml' is"),
    ],
)
def test_a_wrong_word_is_the_users_error(tmp_path: Path, words: str, said: str) -> None:
    done = run(tmp_path, *words.split())
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 2


def test_several_mistakes_have_a_hint_each(tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(
        "apiVersion: ouranos.cloud/v1alpha1\nkind: Cloud\nmetadata: {name: home}\n"
        "spec:\n  releaze: '2026.2'\n  services: {keystone: {}}\n"
    )
    done = run(tmp_path, "up", "--dry-run", str(file))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {file}:4:1: spec.release: is missing\n"
        "hint: add release: The OpenStack release, such as 2026.2.\n"
        f"error: {file}:5:3: spec.releaze: is not a field of spec\n"
        'hint: did you mean "release"?\n'
    )


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "clouds" / "home"
    folder.mkdir(parents=True)
    (folder / "kubeconfig").write_text("x" * 1_000_000)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [OURANOS, "kubeconfig"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "OURANOS_ROOT": str(tmp_path)},
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_another_users_clouds_need_root() -> None:
    told = errors.explained(PermissionError(errno.EACCES, "Permission denied", "/var/lib/x"))
    assert told.exit_code == 1
    assert isinstance(told, errors.Refused)
    assert told.problems == [("/var/lib/x: Permission denied", "run it with sudo or as root")]


def broken(tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`ouranos status` where the state folder holds what nobody writes there."""
    folder = a_cloud_that_is_down(tmp_path, 3)
    (folder / "machine.json").write_text('{"odd": 1}')
    environment = {"PATH": os.environ["PATH"], "OURANOS_ROOT": str(tmp_path), **more}
    with lock.Lock(folder / "daemon.lock", "daemon"):
        return subprocess.run(
            [OURANOS, "status"], capture_output=True, text=True, env=environment, check=False
        )


def test_a_mistake_of_ours_is_said_in_one_line(tmp_path: Path) -> None:
    done = broken(tmp_path)
    assert done.returncode == 2
    said, hint = done.stderr.splitlines()
    assert said.startswith("error: this is a mistake in Ouranos: TypeError: ")
    assert hint.startswith("hint: OURANOS_DEBUG=1 shows where; the daemon's log is ")
    assert hint.endswith(f"{tmp_path}/clouds/*/daemon.log")


def test_who_asks_gets_the_traceback_of_a_mistake(tmp_path: Path) -> None:
    done = broken(tmp_path, OURANOS_DEBUG="1")
    assert done.returncode == 2
    assert done.stderr.startswith("Traceback ")


def test_an_answer_that_does_not_come_is_late() -> None:
    late = kit_errors.Unreachable("the API did not answer")
    late.__cause__ = httpx2.ReadTimeout("")
    told = errors.explained(late)
    assert told.exit_code == 3
    assert "did not answer in time (ReadTimeout)" in told.message


def test_a_full_disk_is_said_with_its_place() -> None:
    told = errors.explained(OSError(errno.ENOSPC, "No space left on device", "/var/lib/x"))
    assert told.exit_code == 1
    assert told.message == "/var/lib/x: No space left on device"


def test_a_deadline_has_its_own_exit_code() -> None:
    assert errors.Late("not Ready after 5 s").exit_code == 3
    assert errors.explained(errors.Late("not Ready after 5 s")).exit_code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_wait_ends_with_130(number: signal.Signals) -> None:
    code = (
        "import asyncio, sys; from ouranos import cli; from ouranos.cli import errors\n"
        "async def wait():\n    print('waiting', flush=True); await asyncio.sleep(60)\n"
        "cli.cli.main = lambda **_: errors.run(wait(), interrupted='it goes on')\ncli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "waiting\n"
        running.send_signal(number)
        _, said = running.communicate()
    assert (running.returncode, said) == (130, "it goes on\n")


def test_ctrl_c_ends_a_question() -> None:
    code = (
        "from ouranos import cli; from ouranos.cli import errors, install\n"
        "async def ask():\n"
        "    install.confirmed({'dry_run': False, 'yes': False}, 'Install this?')\n"
        "    print('goes on')\n"
        "cli.cli.main = lambda **_: errors.run(ask())\ncli.main()"
    )
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=end,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asking:
        assert asking.stderr is not None
        while asking.stderr.read(1) != b"?":
            pass
        time.sleep(0.2)  # what comes before it waits for the answer is seen with the answer only
        asking.send_signal(signal.SIGINT)
        try:
            said, _ = asking.communicate(timeout=2)
        finally:
            asking.kill()
    os.close(terminal)
    os.close(end)
    assert (asking.returncode, said) == (130, b"")


def test_what_an_installation_hints_at_is_done_in_the_cluster_that_was_named() -> None:
    given = {"kubeconfig": Path("k"), "context": "staging"}
    with pytest.raises(errors.Refused) as caught, install.told(given):
        raise trouble.RefusedError([trouble.Trouble("still there", "kubectl delete cloud home")])
    assert caught.value.problems == [
        ("still there", "kubectl --kubeconfig k --context staging delete cloud home")
    ]


def test_what_verify_suggests_is_for_the_context_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubectl").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    api: Any = None
    found = remote.Remote(api, "home", "home", remote.Asked(Path("my config")))
    assert verify._next(found, "staging")[2].startswith(
        "kubectl --kubeconfig 'my config' --context staging --namespace home get "
    )


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_root_that_is_no_folder_is_found_by_the_doctor(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = run(Path(f"{file}{below}"), "doctor")
    assert done.returncode == 1
    assert f"folder: {file} is not a folder\n  hint: move it away" in done.stdout
    assert "Traceback" not in done.stderr


def test_who_interrupts_up_is_told_whether_something_goes_on() -> None:
    assert up._interrupted([]) == "interrupted before anything was begun"
    assert up._interrupted(["waiting for down (process 7) to finish"]).endswith("was begun")
    assert "goes on" in up._interrupted(["daemon: started, its log is x", "image node: ready"])
