"""Write the table of field numbers by which Kubernetes' protobuf is read.

Usage: generate_protobuf_fields.py MODULES

MODULES is the folder of a Go module cache's `k8s.io` with `api@vX` and `apimachinery@vX` in it. Of
each message: its fields' numbers, their names in JSON, their types, and whether a zero is left out.
"""

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

OUTPUT = Path(__file__).parents[1] / "src/ouranos/engine/apiserver/protobuf/fields.jsonl"
META = "meta/v1"
GROUPS = (
    "admissionregistration/v1",
    "apps/v1",
    "authentication/v1",
    "authorization/v1",
    "autoscaling/v1",
    "batch/v1",
    "coordination/v1",
    "core/v1",
    "discovery/v1",
    "events/v1",
    "networking/v1",
    "policy/v1",
    "rbac/v1",
    "scheduling/v1",
    "storage/v1",
)
ROOTS = (
    "admissionregistration/v1.ValidatingAdmissionPolicy",
    "admissionregistration/v1.ValidatingAdmissionPolicyBinding",
    *(f"apps/v1.{kind}" for kind in ("ControllerRevision", "DaemonSet", "Deployment")),
    *(f"apps/v1.{kind}" for kind in ("ReplicaSet", "StatefulSet")),
    "authentication/v1.SelfSubjectReview",
    "authorization/v1.SelfSubjectAccessReview",
    "authorization/v1.SelfSubjectRulesReview",
    "autoscaling/v1.Scale",
    *(f"batch/v1.{kind}" for kind in ("CronJob", "Job")),
    "coordination/v1.Lease",
    *(f"core/v1.{kind}" for kind in ("Binding", "ConfigMap", "Event", "Namespace", "Node")),
    *(f"core/v1.{kind}" for kind in ("PersistentVolume", "PersistentVolumeClaim", "Pod")),
    *(f"core/v1.{kind}" for kind in ("Secret", "Service", "ServiceAccount")),
    "discovery/v1.EndpointSlice",
    "events/v1.Event",
    "networking/v1.NetworkPolicy",
    *(f"rbac/v1.{kind}" for kind in ("ClusterRole", "ClusterRoleBinding")),
    *(f"rbac/v1.{kind}" for kind in ("Role", "RoleBinding")),
    *(f"policy/v1.{kind}" for kind in ("Eviction", "PodDisruptionBudget")),
    "scheduling/v1.PriorityClass",
    "storage/v1.StorageClass",
    f"{META}.DeleteOptions",
)
SCALARS = {"string", "bool", "bytes", "int32", "int64", "double"}

MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(
    r"^\s+(?:(optional|repeated|required) )?(map<string, [\w.]+>|[\w.]+) (\w+) = (\d+);",
    re.MULTILINE,
)
STRUCT = re.compile(r"^type (\w+) struct \{(.*?)^\}", re.MULTILINE | re.DOTALL)
MEMBER = re.compile(
    r"^\s*(?:\w+\s+)?(?P<type>[\w.*\[\]]+)\s+`json:\"(?P<json>[^\"]*)\" "
    r"protobuf:\"\w+,(?P<number>\d+)",
    re.MULTILINE,
)


class Member(NamedTuple):
    """What the Go struct says about a field."""

    name: str
    inline: bool
    bare: bool


def members(directory: Path) -> dict[str, dict[str, Member]]:
    """Read the structs of a Go package."""
    found: dict[str, dict[str, Member]] = {}
    for file in sorted(directory.glob("*.go")):
        for struct in STRUCT.finditer(file.read_text()):
            for each in MEMBER.finditer(struct[2]):
                name, *options = each["json"].split(",")
                bare = "omitempty" in options and not each["type"].startswith("*")
                member = Member(name, "inline" in options, bare)
                found.setdefault(struct[1], {})[each["number"]] = member
    return found


def qualified(name: str, package: str) -> str:
    """Give the name under which a message is in the table."""
    if name in SCALARS:
        return name
    path, _, short = name.rpartition(".")
    if not path:
        return f"{package}.{short}"
    return f"{'/'.join(path.split('.')[-2:])}.{short}"


def messages(directory: Path, package: str) -> dict[str, dict[str, list[str]]]:
    """Read the messages of a package: number -> name, type, marks."""
    known = members(directory)
    found: dict[str, dict[str, list[str]]] = {}
    for message in MESSAGE.finditer((directory / "generated.proto").read_text()):
        fields: dict[str, list[str]] = {}
        for label, kind, name, number in FIELD.findall(message[2]):
            member = known.get(message[1], {}).get(number, Member(name, inline=False, bare=False))
            marks = "*" if label == "repeated" else ""
            held = kind.removeprefix("map<string, ").removesuffix(">")
            if held != kind:
                marks = "{"
            marks += "i" if member.inline else ""
            marks += "o" if member.bare else ""
            fields[number] = [member.name or name, qualified(held, package), marks]
        found[f"{package}.{message[1]}"] = fields
    return found


def main() -> None:
    """Write the table."""
    modules = Path(sys.argv[1])
    (api,) = modules.glob("api@*")
    (machinery,) = modules.glob("apimachinery@*")
    every = messages(machinery / "pkg/apis/meta/v1", META)
    for group in GROUPS:
        every |= messages(api / group, group)
    reached: dict[str, dict[str, list[str]]] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name in reached or name not in every:
            continue
        reached[name] = every[name]
        waiting += [kind for _, kind, _ in every[name].values()]
    lines = [json.dumps({"source": "k8s.io/api", "version": api.name.partition("@")[2]})]
    lines += [json.dumps([name, reached[name]], separators=(",", ":")) for name in sorted(reached)]
    OUTPUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
