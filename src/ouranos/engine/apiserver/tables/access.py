"""Which columns have the kinds that say who may do what? Asked by the table of columns."""

from ouranos.engine.apiserver import fields
from ouranos.engine.apiserver.resources import Column
from ouranos.engine.apiserver.tables.table import AGE, NAME
from ouranos.engine.apiserver.tables.words import Cell
from ouranos.kit import kinds
from ouranos.kit.objects import Object

_UNSET = "<unset>"


def _column(name: str, cell: Cell, kind: str = "string", *, wide: bool = False) -> Column:
    return Column(name, lambda obj, _: cell(obj), kind, priority=1 if wide else 0)


def _role(binding: Object) -> str:
    return f"{fields.text(binding, 'roleRef', 'kind')}/{fields.text(binding, 'roleRef', 'name')}"


def _subjects(kind: str) -> Cell:
    def cell(binding: Object) -> str:
        chosen = [each for each in fields.listed(binding, "subjects") if each["kind"] == kind]
        return ", ".join(
            f"{each['namespace']}/{each['name']}" if each.get("namespace") else each["name"]
            for each in chosen
        )

    return cell


def _parameter_kind(policy: Object) -> str:
    asked = fields.part(policy, "spec", "paramKind")
    return f"{asked.get('apiVersion', '')}/{asked.get('kind', '')}" if asked else _UNSET


def _parameter(binding: Object) -> str:
    reference = fields.part(binding, "spec", "paramRef")
    name = reference.get("name")
    return f"{reference.get('namespace') or '*'}/{name}" if name else _UNSET


_MADE = Column(
    "Created At", lambda obj, _: obj["metadata"].get("creationTimestamp", ""), type="date"
)
_ROLE = (NAME, _MADE)
_BINDING = (
    NAME,
    _column("Role", _role),
    AGE,
    _column("Users", _subjects("User"), wide=True),
    _column("Groups", _subjects("Group"), wide=True),
    _column("ServiceAccounts", _subjects("ServiceAccount"), wide=True),
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    kinds.ROLE.qualified: _ROLE,
    kinds.CLUSTER_ROLE.qualified: _ROLE,
    kinds.ROLE_BINDING.qualified: _BINDING,
    kinds.CLUSTER_ROLE_BINDING.qualified: _BINDING,
    kinds.VALIDATING_ADMISSION_POLICY.qualified: (
        NAME,
        _column("Validations", lambda obj: len(fields.listed(obj, "spec", "validations")), "int64"),
        _column("ParamKind", _parameter_kind),
        AGE,
    ),
    kinds.VALIDATING_ADMISSION_POLICY_BINDING.qualified: (
        NAME,
        _column("PolicyName", lambda obj: fields.text(obj, "spec", "policyName")),
        _column("ParamRef", _parameter),
        AGE,
    ),
}
