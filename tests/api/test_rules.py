"""Do both doors, the loader's and the API server's, refuse the same with the same words?"""

import copy
import functools
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from ouranos import services
from ouranos.api import checks, crds, errors, load, refusals, rules
from ouranos.engine.apiserver.schema import structural

Object = dict[str, Any]
KNOWN = services.KNOWN.kinds
SERVICES = ("keystone", "placement", "glance", "neutron", "cinder", "nova")


def cloud(*services: str, name: str = "home", **spec: Any) -> Object:
    """A cloud with some services, all if none is named, and the rest by default."""
    chosen = {service: {} for service in services or SERVICES}
    return thing("Cloud", name, **{"release": "2026.2", "services": chosen, **spec})


def thing(kind: str, name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "ouranos.cloud/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def keystone(**spec: Any) -> Object:
    return thing("Keystone", "keystone", **{"release": "2026.2", **spec})


def mariadb(**choice: Any) -> Object:
    return thing("MariaDB", "mariadb", release="2026.2", **choice)


def claim(**spec: Any) -> Object:
    full = {
        "mariadbRef": {"name": "mariadb"},
        "database": "nova_api",
        "secretRef": {"name": "nova-database"},
    }
    return thing("Database", "nova-api", **(full | spec))


def vhost(**spec: Any) -> Object:
    full = {
        "rabbitmqRef": {"name": "rabbitmq"},
        "vhost": "nova",
        "secretRef": {"name": "nova-vhost"},
    }
    return thing("Vhost", "nova", **(full | spec))


def cinder(**backend: Any) -> Object:
    return thing("Cinder", "cinder", release="2026.2", backend=backend)


EXTERNAL = {"host": "db.example.org", "secretRef": {"name": "db"}}
NFS = {"server": "192.0.2.7", "path": "/exports/cinder"}


@dataclass(frozen=True)
class Case:
    """An object, what it replaces, and the fields that are refused, with the beginning of why."""

    obj: Object
    refused: dict[str, str] = field(default_factory=dict)
    old: Object | None = None


CASES = {
    "a cloud of all services": Case(cloud()),
    "a cloud of Keystone alone": Case(cloud("keystone")),
    "a region with blanks and letters outside ASCII": Case(cloud(region="Düdingen Test")),
    "a region of one letter": Case(cloud(region="ü")),
    "a region with a quote and a dollar": Case(cloud(region="It's $5")),
    "a region with a line break": Case(cloud(region="a\nb"), {"spec.region": "must be one line"}),
    "a region that ends in a line break": Case(
        cloud(region="a\n"), {"spec.region": "must be one line"}
    ),
    "a region with a tab": Case(cloud(region="a\tb"), {"spec.region": "must be one line"}),
    "a region with an old Mac's line break": Case(
        cloud(region="a\rb"), {"spec.region": "must be one line"}
    ),
    "a region with Unicode's next line": Case(
        cloud(region="a\x85b"), {"spec.region": "must be one line"}
    ),
    "a region with Unicode's line separator": Case(
        cloud(region="a\u2028b"), {"spec.region": "must be one line"}
    ),
    "a region that begins with a blank": Case(
        cloud(region=" a"), {"spec.region": "must be one line"}
    ),
    "a region that ends with a hard blank": Case(
        cloud(region="a\u00a0"), {"spec.region": "must be one line"}
    ),
    "a region of 255 characters": Case(cloud(region="ü" * 255)),
    "a region of 256 characters": Case(cloud(region="x" * 256), {"spec.region": ""}),
    "an empty region": Case(cloud(region=""), {"spec.region": ""}),
    "a release that is none": Case(
        cloud(release="latest"), {"spec.release": "is not an OpenStack release"}
    ),
    "a release of two digits": Case(
        cloud(release="26.2"), {"spec.release": "is not an OpenStack release"}
    ),
    "a release with a line break": Case(
        cloud(release="2026.2\n"), {"spec.release": "is not an OpenStack release"}
    ),
    "no service": Case(
        cloud() | {"spec": {"release": "2026.2", "services": {}}}, {"spec.services": "names no"}
    ),
    "Nova without Placement": Case(
        cloud("keystone", "glance", "neutron", "nova"),
        {"spec.services.nova": "Nova needs Placement"},
    ),
    "Glance without Keystone": Case(
        cloud("glance"), {"spec.services.glance": "Glance needs Keystone"}
    ),
    "Cinder without Nova": Case(cloud("keystone", "glance", "cinder")),
    "networks that are the same": Case(
        cloud(network={"management": "10.0.0.0/24", "public": "10.0.0.0/24"}),
        {"spec.network.public": "overlaps the management network"},
    ),
    "a public network inside the other": Case(
        cloud(network={"management": "10.0.0.0/16", "public": "10.0.5.0/24"}),
        {"spec.network.public": "overlaps the management network"},
    ),
    "a management network inside the other, by default": Case(
        cloud(network={"public": "172.16.0.0/12"}),
        {"spec.network.public": "overlaps the management network"},
    ),
    "networks side by side": Case(
        cloud(network={"management": "10.0.0.0/24", "public": "10.0.1.0/24"})
    ),
    "a network with host bits": Case(
        cloud(network={"public": "10.0.0.1/24"}),
        {"spec.network.public": "has bits set behind its prefix"},
    ),
    "a network without a prefix": Case(
        cloud(network={"public": "10.0.0.0"}), {"spec.network.public": "is not an IPv4 network"}
    ),
    "a network with a mask": Case(
        cloud(network={"public": "10.0.0.0/255.255.255.0"}),
        {"spec.network.public": "is not an IPv4 network"},
    ),
    "a network with a number too large": Case(
        cloud(network={"public": "10.0.0.256/24"}),
        {"spec.network.public": "is not an IPv4 network"},
    ),
    "a network with leading zeros": Case(
        cloud(network={"public": "10.00.0.0/24"}),
        {"spec.network.public": "is not an IPv4 network"},
    ),
    "a network with a prefix too long": Case(
        cloud(network={"public": "10.0.0.0/33"}),
        {"spec.network.public": "is not an IPv4 network"},
    ),
    "a network of IPv6": Case(
        cloud(network={"public": "fd00::/64"}), {"spec.network.public": "is not an IPv4 network"}
    ),
    "a network of 8 addresses": Case(
        cloud(network={"public": "10.0.0.0/29"}), {"spec.network.public": "must have a prefix"}
    ),
    "the loopback network": Case(
        cloud(network={"public": "127.1.0.0/16"}),
        {"spec.network.public": "overlaps addresses with a meaning"},
    ),
    "a network around the metadata address": Case(
        cloud(network={"public": "169.0.0.0/8"}),
        {"spec.network.public": "overlaps addresses with a meaning"},
    ),
    "the least MTU": Case(cloud(network={"mtu": 1338})),
    "an MTU of IPv6's least": Case(
        cloud(network={"mtu": 1280}), {"spec.network.mtu": "cannot fit Geneve"}
    ),
    "an MTU of jumbo frames": Case(cloud(network={"mtu": 9000})),
    "an MTU larger than a packet": Case(cloud(network={"mtu": 65536}), {"spec.network.mtu": ""}),
    "a public host by name": Case(cloud(network={"publicHost": "cloud.example.org"})),
    "a public host with a port": Case(
        cloud(network={"publicHost": "cloud:443"}),
        {"spec.network.publicHost": "is neither a host name"},
    ),
    "the longest name": Case(cloud(name="a" * 32)),
    "a name too long": Case(cloud(name="a" * 33), {"metadata.name": "cannot be the name"}),
    "a name with a dot": Case(cloud(name="a.b"), {"metadata.name": "cannot be the name"}),
    "a name that Kubernetes has": Case(
        cloud(name="kube-system"), {"metadata.name": "is a namespace of Kubernetes"}
    ),
    "an external database": Case(cloud(backing={"mariadb": {"external": EXTERNAL}})),
    "a database in no place": Case(
        cloud(backing={"mariadb": {}}),
        {"spec.backing.mariadb": "must have exactly one of builtin, external and operator"},
    ),
    "a database in two places": Case(
        cloud(backing={"mariadb": {"builtin": {}, "external": EXTERNAL}}),
        {"spec.backing.mariadb": "must have exactly one of builtin, external and operator"},
    ),
    "a cache in no place": Case(
        cloud(backing={"memcached": {}}),
        {"spec.backing.memcached": "must have exactly one of builtin and external"},
    ),
    "an external cache after a builtin one": Case(
        cloud(backing={"memcached": {"external": {"host": "cache"}}}),
        {"spec.backing.memcached": "cannot change between builtin and external"},
        old=cloud(),
    ),
    "an operator's database": Case(cloud(backing={"mariadb": {"operator": {"replicas": 3}}})),
    "a database that an operator already runs": Case(
        cloud(backing={"mariadb": {"operator": {"objectRef": {"name": "shared"}}}})
    ),
    "an even number of instances": Case(
        cloud(backing={"rabbitmq": {"operator": {"replicas": 2}}}),
        {"spec.backing.rabbitmq.operator.replicas": "must be 1, 3 or 5"},
    ),
    "a volume without a unit": Case(
        cloud(backing={"mariadb": {"builtin": {"storage": "10"}}}),
        {"spec.backing.mariadb.builtin.storage": "is not a size"},
    ),
    "options and policy": Case(
        keystone(
            config={"DEFAULT": {"debug": True, "a": 1, "b": 1.5, "c": ["x", 2]}},
            policy={"identity:list_projects": "role:reader"},
        )
    ),
    "options around passwords that are none": Case(
        keystone(config={"security_compliance": {"password_expires_days": 3}})
    ),
    "an option's value with a line break": Case(
        keystone(config={"DEFAULT": {"a": "x\n[database]"}}),
        {"spec.config.DEFAULT.a": "must be one line"},
    ),
    "an option's value that ends in a line break": Case(
        keystone(config={"DEFAULT": {"a": "x\n"}}),
        {"spec.config.DEFAULT.a": "must be one line"},
    ),
    "a policy with a line break": Case(
        keystone(policy={"a:b": "role:x\n'c': ''"}), {"spec.policy.a:b": "must be one line"}
    ),
    "a policy rule that is no name": Case(
        keystone(policy={"a b": ""}), {"spec.policy": "has a key that is not the name"}
    ),
    "a Keystone of another name": Case(
        thing("Keystone", "second", release="2026.2"),
        {"metadata.name": "must be keystone"},
    ),
    "volumes on NFS": Case(cinder(nfs=NFS)),
    "volumes on NFS, with options for mounting": Case(
        cinder(nfs=NFS | {"mountOptions": "vers=4.2,nconnect=4"})
    ),
    "volumes in two places": Case(
        cinder(nfs=NFS, local={}), {"spec.backend": "must have exactly one of local and nfs"}
    ),
    "an export with a blank": Case(
        cinder(nfs=NFS | {"path": "/a b"}), {"spec.backend.nfs.path": "is not an absolute path"}
    ),
    "mount options with a blank": Case(
        cinder(nfs=NFS | {"mountOptions": "a -o b"}),
        {"spec.backend.nfs.mountOptions": "is not a list of mount options"},
    ),
    "a claim": Case(claim()),
    "a claim on a database with a quote": Case(
        claim(database="a`b"), {"spec.database": "is not the name of a database"}
    ),
    "a claim on a virtual host": Case(vhost()),
    "a claim on the root virtual host": Case(
        vhost(vhost="/"), {"spec.vhost": "is not the name of a virtual host"}
    ),
    "a claim with a Secret of a wrong name": Case(
        claim(secretRef={"name": "A_B"}), {"spec.secretRef.name": "is not the name of an object"}
    ),
    "a hypervisor": Case(thing("Hypervisor", "node-1", nodeName="node-1")),
    "a network card with a name that no card has": Case(
        thing("Hypervisor", "node-1", nodeName="node-1", compute={"tunnelInterface": "eth 1"}),
        {"spec.compute.tunnelInterface": "is not the name of a network interface"},
    ),
    "a hypervisor of another name than its node": Case(
        thing("Hypervisor", "node-1", nodeName="node-2"),
        {"spec.nodeName": "must be the name of the object"},
    ),
    # changes
    "the same again": Case(cloud(), old=cloud()),
    "another release": Case(cloud(release="2027.1"), old=cloud()),
    "another MTU": Case(cloud(network={"mtu": 9000}), old=cloud()),
    "one service more and one less": Case(
        cloud("keystone", "glance"), old=cloud("keystone", "placement")
    ),
    "another region": Case(
        cloud(region="b"), {"spec.region": "is immutable"}, old=cloud(region="a")
    ),
    "a region after the default": Case(
        cloud(region="b"), {"spec.region": "is immutable"}, old=cloud()
    ),
    "the same StorageClass": Case(
        cloud(storageClassName="fast"), old=cloud(storageClassName="fast")
    ),
    "another StorageClass": Case(
        cloud(storageClassName="slow"),
        {"spec.storageClassName": "is immutable"},
        old=cloud(storageClassName="fast"),
    ),
    "a StorageClass after the default": Case(
        cloud(storageClassName="fast"), {"spec.storageClassName": "is immutable"}, old=cloud()
    ),
    "the default after a StorageClass": Case(
        cloud(), {"spec.storageClassName": "is immutable"}, old=cloud(storageClassName="fast")
    ),
    "another management network": Case(
        cloud(network={"management": "10.0.0.0/24"}),
        {"spec.network.management": "is immutable"},
        old=cloud(),
    ),
    "another public network": Case(
        cloud(network={"public": "10.0.0.0/24"}),
        {"spec.network.public": "is immutable"},
        old=cloud(),
    ),
    "an external database after a builtin one": Case(
        cloud(backing={"mariadb": {"external": EXTERNAL}}),
        {"spec.backing.mariadb": "cannot change between builtin, external and operator"},
        old=cloud(),
    ),
    "an operator's database after a builtin one": Case(
        cloud(backing={"mariadb": {"operator": {}}}),
        {"spec.backing.mariadb": "cannot change between builtin, external and operator"},
        old=cloud(),
    ),
    "an external database after an operator's": Case(
        mariadb(external=EXTERNAL),
        {"spec": "cannot change between builtin, external and operator"},
        old=mariadb(operator={}),
    ),
    "another object of the operator": Case(
        mariadb(operator={"objectRef": {"name": "other"}}),
        {"spec.operator.objectRef": "cannot name another object"},
        old=mariadb(operator={}),
    ),
    "the same object of the operator, now named": Case(
        mariadb(operator={"objectRef": {"name": "mariadb"}}), old=mariadb(operator={})
    ),
    "an object of the operator, named no more": Case(
        cloud(backing={"rabbitmq": {"operator": {}}}),
        {"spec.backing.rabbitmq.operator.objectRef": "cannot name another object"},
        old=cloud(backing={"rabbitmq": {"operator": {"objectRef": {"name": "theirs"}}}}),
    ),
    "a Galera cluster after one instance": Case(
        mariadb(operator={"replicas": 3}),
        {"spec.operator.replicas": "cannot change between one instance and several"},
        old=mariadb(operator={}),
    ),
    "a larger Galera cluster": Case(
        mariadb(operator={"replicas": 5}), old=mariadb(operator={"replicas": 3})
    ),
    "more instances of RabbitMQ": Case(
        cloud(backing={"rabbitmq": {"operator": {"replicas": 3}}}),
        old=cloud(backing={"rabbitmq": {"operator": {}}}),
    ),
    "fewer instances of RabbitMQ": Case(
        cloud(backing={"rabbitmq": {"operator": {"replicas": 1}}}),
        {"spec.backing.rabbitmq.operator.replicas": "cannot be lowered"},
        old=cloud(backing={"rabbitmq": {"operator": {"replicas": 3}}}),
    ),
    "a larger volume of the operator's": Case(
        mariadb(operator={"storage": "20Gi"}),
        {"spec.operator.storage": "is immutable"},
        old=mariadb(operator={}),
    ),
    "a larger volume": Case(
        mariadb(builtin={"storage": "20Gi"}),
        {"spec.builtin.storage": "is immutable"},
        old=mariadb(builtin={}),
    ),
    "another host of an external database": Case(
        mariadb(external=EXTERNAL | {"host": "other"}), old=mariadb(external=EXTERNAL)
    ),
    "volumes moved to NFS": Case(
        cinder(nfs=NFS),
        {"spec.backend": "cannot change between local and nfs"},
        old=cinder(local={}),
    ),
    "volumes moved to another server": Case(
        cinder(nfs=NFS | {"server": "192.0.2.8"}),
        {"spec.backend.nfs.server": "is immutable"},
        old=cinder(nfs=NFS),
    ),
    "another database of a claim": Case(
        claim(database="other"), {"spec.database": "is immutable"}, old=claim()
    ),
    "another server of a claim": Case(
        claim(mariadbRef={"name": "other"}), {"spec.mariadbRef": "is immutable"}, old=claim()
    ),
    "another Secret of a claim": Case(claim(secretRef={"name": "second"}), old=claim()),
    "another virtual host of a claim": Case(
        vhost(vhost="other"), {"spec.vhost": "is immutable"}, old=vhost()
    ),
    "another broker of a claim": Case(
        vhost(rabbitmqRef={"name": "other"}), {"spec.rabbitmqRef": "is immutable"}, old=vhost()
    ),
}

table = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@functools.cache
def server_side(kind: str) -> structural.Structural:
    """The schema of a kind, as the embedded API has it from the CRD."""
    crd = crds.definition(KNOWN[kind])
    whole = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return structural.Structural.parse(whole)


def refused_by_server(case: Case) -> dict[str, str]:
    """What the embedded API refuses, as field → detail."""
    kind = server_side(case.obj["kind"])
    obj, old = copy.deepcopy(case.obj), copy.deepcopy(case.old)
    kind.default(obj)
    if old is None:
        found = kind.validate(obj)
    else:
        kind.default(old)
        found = kind.validate_update(obj, old)
    return {errors.dotted(load.parsed_path(cause.field)): cause.message for cause in found}


@table
def test_the_loader_refuses(case: Case) -> None:
    found = checks.problems(case.obj, KNOWN, old=case.old)
    told = {errors.dotted(problem.path): problem.message for problem in found}
    assert told.keys() == case.refused.keys()
    for path, beginning in case.refused.items():
        assert told[path].startswith(beginning)


@table
def test_the_server_refuses_the_same_with_the_same_words(case: Case) -> None:
    found = checks.problems(case.obj, KNOWN, old=case.old)
    told = {errors.dotted(problem.path): problem for problem in found}
    refused = refused_by_server(case)
    assert refused.keys() - {refusals.NOWHERE} == told.keys()
    for path, beginning in case.refused.items():
        if beginning and not path.startswith("spec.config"):
            problem = told[path]
            assert f"{problem.message}{rules.HINT}{problem.hint}" in refused[path]


def test_every_rule_is_broken_by_some_case() -> None:
    broken: set[str] = set()
    for case in CASES.values():
        for problem in checks.problems(case.obj, KNOWN, old=case.old):
            broken.add(problem.message)
    missing = {
        rule.message
        for kind in KNOWN.values()
        for rule in all_rules(kind.schema)
        if rule.message not in broken
    }
    exempt = {
        message for message in missing if " needs " in message or message.startswith("must be ")
    }
    assert missing - exempt == set()


def all_rules(part: Any) -> list[rules.Rule]:
    if isinstance(part, rules.Rule):
        return [part]
    members = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [rule for member in members for rule in all_rules(member)]


@hypothesis.given(strategies.text(max_size=40))
def test_no_region_that_is_accepted_can_end_a_line(text: str) -> None:
    if not checks.problems(cloud("keystone", region=text), KNOWN):
        assert text.splitlines() == [text]
        assert text.strip() == text
        assert text.isprintable() or all(
            ord(letter) > 0x9F for letter in text if not letter.isprintable()
        )
