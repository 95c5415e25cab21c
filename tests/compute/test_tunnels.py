"""Does a machine's card for tunnels keep its addresses, whoever is ended in the middle of what?

The script is run as it is; `ip` and `ovs-vsctl` are a machine of files. Each change of that machine
may be the last that the script lives to see.
"""

import os
import subprocess
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

SCRIPT = resources.files("ouranos.compute") / "files" / "ovn" / "tunnels.sh"
CARD = "eth1"
BRIDGE = "br-phy"
NODE = "192.0.2.7"
ADDRESSES = ["172.30.2.11/24", "172.30.9.11/28"]
LAST = 'last() { echo . >>calls; [ "$(wc -l <calls)" != "$END_AFTER" ] || kill -9 $PPID; }'
IP = f"""#!/bin/sh
cd "$MACHINE" || exit 1
{LAST}
case "$*" in
"-4 -o address show dev"*)
    [ -e "$6" ] || exit 1
    while read -r one; do echo "2: $6    inet $one brd + scope global $6"; done <"$6" ;;
"link show dev"*) [ -e "$4" ] ;;
"address replace"*) grep -qxF "$3" "$5" || echo "$3" >>"$5"; last ;;
"address delete"*) grep -qxF "$3" "$5" || exit 2; grep -vxF "$3" "$5" >rest; mv rest "$5"; last ;;
"link set"*) [ -e "$3" ] ;;
*) exit 3 ;;
esac
"""
SWITCH = f"""#!/bin/sh
cd "$MACHINE" || exit 1
{LAST}
shift 2
case "$*" in
"--if-exists get Bridge {BRIDGE} external_ids:"*) cat "record-${{5#*:}}" 2>/dev/null || echo ;;
"--may-exist add-br {BRIDGE} -- set Bridge {BRIDGE} datapath_type=netdev external_ids:"*)
    card=${{9%%=*}}
    echo "${{10}}" >hardware
    echo "${{9#*=}}" >"record-${{card#*:}}"; [ -e {BRIDGE} ] || : >{BRIDGE}; last ;;
"br-exists {BRIDGE}") [ -e {BRIDGE} ] || exit 2 ;;
"list-ports {BRIDGE}") ls | sed -n 's/^record-//p' ;;
"del-port {BRIDGE} "*" -- remove Bridge {BRIDGE} external_ids "*) rm "record-$3"; last ;;
"del-br {BRIDGE}") rm {BRIDGE}; last ;;
*) exit 3 ;;
esac
"""


@dataclass(frozen=True)
class Machine:
    """What the two programs see and change."""

    folder: Path

    def give(self, card: str, *addresses: str) -> None:
        (self.folder / card).write_text("".join(f"{one}\n" for one in addresses))

    def has(self, card: str) -> list[str]:
        path = self.folder / card
        return path.read_text().split() if path.exists() else []

    def changes(self) -> int:
        """How many changes there were since this was asked before."""
        path = self.folder / "calls"
        found = len(path.read_text().split()) if path.exists() else 0
        path.unlink(missing_ok=True)
        return found

    def run(
        self, *, card: str = CARD, datapath: str = "netdev", end_after: int = 0
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", f'set -eu; . "{SCRIPT}"; find_tunnels; echo "$encapsulation"'],
            env={
                "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                "MACHINE": str(self.folder),
                "END_AFTER": str(end_after),
                "NODE_NAME": "node7",
                "NODE_IP": NODE,
                "TUNNEL_INTERFACE": card,
                "datapath": datapath,
                "database": "unix:/nowhere",
                "records": f"{self.folder}/records",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def begins(self, **how: str) -> str:
        """Where tunnels begin, as the script finds it."""
        done = self.run(**how)  # pyright: ignore[reportArgumentType] - of run's own names
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()[-1]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    (tmp_path / "records").mkdir()
    for name, text in (("ip", IP), ("ovs-vsctl", SWITCH)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    made = Machine(tmp_path)
    made.give(CARD, *ADDRESSES)
    return made


def test_without_a_card_of_their_own_tunnels_begin_at_the_node(machine: Machine) -> None:
    assert machine.begins(card="") == NODE
    assert machine.has(CARD) == ADDRESSES
    assert machine.changes() == 0


def test_the_kernel_needs_the_card_s_address_and_no_bridge(machine: Machine) -> None:
    assert machine.begins(datapath="system") == "172.30.2.11"
    assert machine.has(CARD) == ADDRESSES
    assert machine.changes() == 0


def test_the_switch_gets_the_card_and_its_addresses_once(machine: Machine) -> None:
    assert machine.begins() == "172.30.2.11"
    assert (machine.has(BRIDGE), machine.has(CARD)) == (ADDRESSES, [])
    assert machine.changes() == 5, "one of the switch, and each address given and taken"
    assert machine.begins() == "172.30.2.11"
    assert (machine.has(BRIDGE), machine.has(CARD)) == (ADDRESSES, [])
    assert machine.changes() == 1, "the switch is told what it knows"


def test_the_hardware_address_is_the_same_for_whoever_has_the_address(machine: Machine) -> None:
    machine.begins()
    told = (machine.folder / "hardware").read_text().strip()
    assert told == 'other_config:hwaddr="0e:6f:ac:1e:02:0b"', (
        "172.30.2.11, and an address of its own"
    )
    machine.give(CARD, "172.30.2.99/24")
    machine.begins()
    assert (machine.folder / "hardware").read_text().strip().endswith(':02:63"')


@pytest.mark.parametrize("step", range(1, 6))
def test_whoever_ends_it_between_two_steps_takes_no_address_from_the_machine(
    machine: Machine, step: int
) -> None:
    assert machine.run(end_after=step).returncode == -9
    assert set(machine.has(CARD)) | set(machine.has(BRIDGE)) == set(ADDRESSES)
    assert machine.begins() == "172.30.2.11"
    assert (set(machine.has(BRIDGE)), machine.has(CARD)) == (set(ADDRESSES), [])


def test_a_switch_that_starts_again_makes_its_bridge_without_addresses(machine: Machine) -> None:
    machine.begins()
    machine.give(BRIDGE)
    assert machine.begins() == "172.30.2.11"
    assert machine.has(BRIDGE) == ADDRESSES


def test_a_machine_that_starts_again_may_have_another_address(machine: Machine) -> None:
    machine.begins()
    machine.give(CARD, "172.30.2.99/24")
    assert machine.begins() == "172.30.2.99"
    assert (machine.has(BRIDGE), machine.has(CARD)) == (["172.30.2.99/24"], [])
    machine.give(BRIDGE)
    assert machine.begins() == "172.30.2.99"


@pytest.mark.parametrize("step", range(1, 7))
def test_the_next_cloud_finds_the_addresses_that_the_one_before_took(
    machine: Machine, step: int
) -> None:
    machine.run(end_after=step)
    # Its switch has ended, and its bridge with it; the next one has a database of its own.
    (machine.folder / BRIDGE).unlink()
    (machine.folder / f"record-{CARD}").unlink()
    assert machine.begins() == "172.30.2.11"
    assert set(machine.has(BRIDGE)) == set(ADDRESSES)


@pytest.mark.parametrize("step", range(1, 9))
def test_a_card_that_is_no_longer_for_tunnels_has_its_addresses_again(
    machine: Machine, step: int
) -> None:
    machine.begins()
    machine.give("eth2", "172.30.3.11/24")
    machine.changes()
    machine.run(card="eth2", end_after=step)
    assert set(ADDRESSES) <= {*machine.has(CARD), *machine.has(BRIDGE)}
    assert "172.30.3.11/24" in {*machine.has("eth2"), *machine.has(BRIDGE)}
    assert machine.begins(card="eth2") == "172.30.3.11"
    assert sorted(machine.has(CARD)) == ADDRESSES
    assert (machine.has(BRIDGE), machine.has("eth2")) == (["172.30.3.11/24"], [])


@pytest.mark.parametrize("step", range(1, 5))
def test_without_a_card_for_tunnels_there_is_no_bridge_for_it(machine: Machine, step: int) -> None:
    machine.begins()
    machine.changes()
    machine.run(card="", end_after=step)
    assert set(ADDRESSES) <= {*machine.has(CARD), *machine.has(BRIDGE)}
    assert machine.begins(card="") == NODE
    assert sorted(machine.has(CARD)) == ADDRESSES
    assert not (machine.folder / BRIDGE).exists()


@pytest.mark.parametrize("datapath", ["netdev", "system"])
def test_a_card_that_is_not_there_or_has_no_address_is_named_with_its_node(
    machine: Machine, datapath: str
) -> None:
    done = machine.run(card="eth9", datapath=datapath)
    assert done.returncode == 1
    assert "node7 has no network card eth9" in done.stderr
    machine.give(CARD)
    done = machine.run(datapath=datapath)
    assert done.returncode == 1
    assert "node7 has no IPv4 address on its network card eth1" in done.stderr
    assert machine.changes() == 0
