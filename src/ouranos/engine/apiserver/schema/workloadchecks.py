"""Are the specifications of workloads acceptable? Deployments, sets, jobs; asked on every write.

The rules and words are those of Kubernetes' own validation (pkg/apis/{apps,batch}/validation).
"""

import re
from typing import Any

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import metadata, podchecks
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.pods import items, part

Object = dict[str, Any]

_PERCENT = re.compile(r"[0-9]+%\Z")
_HUNDRED = 100
_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
_IMMUTABLE = "field is immutable"
_CRON_NAME_LIMIT = 52


def _part(value: Object, key: str) -> Object:
    return part(value, key) or {}


def selector(value: Object, field: str) -> list[Cause]:
    """Check a label selector."""
    found = metadata.labels(_part(value, "matchLabels"), f"{field}.matchLabels")
    for index, one in enumerate(items(value.get("matchExpressions"))):
        where = f"{field}.matchExpressions[{index}]"
        operator = one.get("operator")
        if operator in {"In", "NotIn"} and not one.get("values"):
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            found.append(causes.required(f"{where}.values", detail))
        elif operator in {"Exists", "DoesNotExist"} and one.get("values"):
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(causes.forbidden(f"{where}.values", detail))
        elif operator not in _OPERATORS:
            detail = "not a valid selector operator"
            found.append(causes.invalid(f"{where}.operator", operator, detail))
        found += [
            causes.invalid(f"{where}.key", one.get("key", ""), text)
            for text in metadata.qualified(one.get("key", ""))
        ]
    return found


def matches(value: Object, labels: Object) -> bool:
    """Whether labels satisfy a label selector."""
    if any(labels.get(key) != text for key, text in _part(value, "matchLabels").items()):
        return False
    return all(_satisfies(one, labels) for one in items(value.get("matchExpressions")))


def _satisfies(one: Object, labels: Object) -> bool:
    present = one.get("key") in labels
    listed = present and labels[one["key"]] in (one.get("values") or ())
    operator = one.get("operator")
    if operator == "In":
        return listed
    if operator == "NotIn":
        return not listed
    return present if operator == "Exists" else not present


def _template(spec: Object, kind: str, found: list[Cause], *, field: str = "spec") -> None:
    """Check selector and template; a StatefulSet's pods are checked when they are made.

    Its mounts name volumes that only its claim templates make, so Kubernetes looks at the labels
    and annotations of its template alone (ValidatePodTemplateSpecForStatefulSet).
    """
    wanted = part(spec, "selector")
    template = _part(spec, "template")
    labels = _part(_part(template, "metadata"), "labels")
    if wanted is None:
        found.append(causes.required(f"{field}.selector"))
    else:
        wrong = selector(wanted, f"{field}.selector")
        found += wrong
        if not wanted.get("matchLabels") and not wanted.get("matchExpressions"):
            detail = f"empty selector is invalid for {kind}"
            found.append(causes.invalid(f"{field}.selector", wanted, detail))
        elif wrong:
            found.append(causes.invalid(f"{field}.selector", wanted, "invalid label selector"))
        elif not matches(wanted, labels):
            detail = "`selector` does not match template `labels`"
            where = f"{field}.template.metadata.labels"
            found.append(causes.invalid(where, labels, detail))
    _pods(template, f"{field}.template", found, deep=kind != "statefulset")


def _pods(template: Object, field: str, found: list[Cause], *, deep: bool = True) -> None:
    inner = _part(template, "metadata")
    if inner.get("labels"):
        found += metadata.labels(inner["labels"], f"{field}.labels")
    if inner.get("annotations"):
        found += metadata.annotations(inner["annotations"], f"{field}.annotations")
    if deep:
        found += podchecks.spec(_part(template, "spec"), f"{field}.spec")


def _always(spec: Object, name: str, found: list[Cause]) -> None:
    pod = _part(_part(spec, "template"), "spec")
    where = "spec.template.spec"
    found += podchecks.one_of(pod.get("restartPolicy"), ("Always",), f"{where}.restartPolicy")
    if "activeDeadlineSeconds" in pod:
        detail = f"activeDeadlineSeconds in {name} is not Supported"
        found.append(causes.forbidden(f"{where}.activeDeadlineSeconds", detail))


def _numbers(spec: Object, *keys: str) -> list[Cause]:
    return [one for key in keys for one in podchecks.not_negative(spec, key, "spec")]


def amount(value: Any, field: str) -> list[Cause]:
    """Check a number that may be a percentage."""
    if type(value) is int:
        least = "must be greater than or equal to 0"
        return [] if value >= 0 else [causes.invalid(field, value, least)]
    if type(value) is str and _PERCENT.match(value):
        return []
    detail = (
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  "
        "or '93%', regex used for validation is '[0-9]+%')"
    )
    return [causes.invalid(field, value, detail)]


def at_most_all(value: Any, field: str) -> list[Cause]:
    """Check that a percentage is not more than everything."""
    if type(value) is str and _PERCENT.match(value) and int(value[:-1]) > _HUNDRED:
        return [causes.invalid(field, value, "must not be greater than 100%")]
    return []


def _nothing(value: Any) -> bool:
    return value == 0 or (type(value) is str and value.rstrip("%").strip("0") == "")


def _kept(spec: Object, old: Object | None, *keys: str, field: str = "spec") -> list[Cause]:
    """Check fields that may not change once set."""
    if old is None:
        return []
    return [
        causes.invalid(f"{field}.{key}", spec.get(key), _IMMUTABLE)
        for key in keys
        if spec.get(key) != old.get(key)
    ]


def deployment(obj: Object, old: Object | None) -> list[Cause]:
    """Check a Deployment."""
    spec, before = _part(obj, "spec"), None if old is None else _part(old, "spec")
    found: list[Cause] = []
    _template(spec, "deployment", found)
    _always(spec, "ReplicaSet", found)
    found += _numbers(
        spec, "replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"
    )
    where = "spec.strategy"
    strategy = _part(spec, "strategy")
    if strategy.get("type") not in {"Recreate", "RollingUpdate"}:
        found.append(causes.not_supported(where, strategy, ("Recreate", "RollingUpdate")))
    rolling = part(strategy, "rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling is not None:
        detail = "may not be specified when strategy `type` is 'Recreate'"
        found.append(causes.forbidden(f"{where}.rollingUpdate", detail))
    elif rolling is not None:
        _rolling(rolling, f"{where}.rollingUpdate", found)
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if deadline is not None and deadline <= ready:
        detail = "must be greater than minReadySeconds"
        found.append(causes.invalid("spec.progressDeadlineSeconds", deadline, detail))
    return found + _kept(spec, before, "selector")


def _rolling(rolling: Object, field: str, found: list[Cause]) -> None:
    down, up = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    found += amount(down, f"{field}.maxUnavailable") + amount(up, f"{field}.maxSurge")
    if _nothing(down) and _nothing(up):
        detail = "may not be 0 when `maxSurge` is 0"
        found.append(causes.invalid(f"{field}.maxUnavailable", down, detail))
    found += at_most_all(down, f"{field}.maxUnavailable")


def replica_set(obj: Object, old: Object | None) -> list[Cause]:
    """Check a ReplicaSet."""
    spec, before = _part(obj, "spec"), None if old is None else _part(old, "spec")
    found: list[Cause] = []
    _template(spec, "deployment", found)
    _always(spec, "ReplicaSet", found)
    found += _numbers(spec, "replicas", "minReadySeconds")
    return found + _kept(spec, before, "selector")


def daemon_set(obj: Object, old: Object | None) -> list[Cause]:
    """Check a DaemonSet."""
    spec, before = _part(obj, "spec"), None if old is None else _part(old, "spec")
    found: list[Cause] = []
    _template(spec, "daemonset", found)
    _always(spec, "DaemonSet", found)
    found += _numbers(spec, "minReadySeconds", "revisionHistoryLimit")
    strategy = _part(spec, "updateStrategy")
    where = "spec.updateStrategy"
    kind = strategy.get("type")
    if kind not in {"RollingUpdate", "OnDelete"}:
        found.append(causes.not_supported(where, strategy, ("RollingUpdate", "OnDelete")))
    rolling = part(strategy, "rollingUpdate")
    if kind == "RollingUpdate" and rolling is not None:
        down, up = rolling.get("maxUnavailable"), rolling.get("maxSurge")
        inner = f"{where}.rollingUpdate"
        found += amount(down, f"{inner}.maxUnavailable") + amount(up, f"{inner}.maxSurge")
        if not _nothing(down) and not _nothing(up):
            detail = "may not be set when maxUnavailable is non-zero"
            found.append(causes.invalid(f"{inner}.maxSurge", up, detail))
        elif _nothing(down) and _nothing(up):
            detail = "cannot be 0 when maxSurge is 0"
            found.append(causes.required(f"{inner}.maxUnavailable", detail))
    return found + _kept(spec, before, "selector")


_STATEFUL = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip


def stateful_set(obj: Object, old: Object | None) -> list[Cause]:
    """Check a StatefulSet."""
    spec = _part(obj, "spec")
    found: list[Cause] = []
    _template(spec, "statefulset", found)
    _always(spec, "StatefulSet", found)
    found += _numbers(spec, "replicas", "minReadySeconds", "revisionHistoryLimit")
    policy = spec.get("podManagementPolicy")
    if policy not in {"OrderedReady", "Parallel"}:
        detail = "must be 'OrderedReady' or 'Parallel'"
        found.append(causes.invalid("spec.podManagementPolicy", policy, detail))
    strategy = _part(spec, "updateStrategy")
    if strategy.get("type") not in {"RollingUpdate", "OnDelete"}:
        detail = "must be 'RollingUpdate' or 'OnDelete'"
        found.append(causes.invalid("spec.updateStrategy", strategy, detail))
    if old is not None:
        before = _part(old, "spec")
        fixed = {key for key in {**spec, **before} if key not in _STATEFUL}
        if any(spec.get(key) != before.get(key) for key in fixed):
            quoted = [f"'{key}'" for key in _STATEFUL]
            detail = (
                f"updates to statefulset spec for fields other than {', '.join(quoted[:-1])} and "
                f"{quoted[-1]} are forbidden"
            )
            found.append(causes.forbidden("spec", detail))
    return found


def _job_spec(spec: Object, found: list[Cause], field: str = "spec") -> None:
    for key in (
        "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
        "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes",
    ):  # fmt: skip
        found += podchecks.not_negative(spec, key, field)
    mode = spec.get("completionMode", "NonIndexed")
    where = f"{field}.completionMode"
    found += podchecks.one_of(mode, ("NonIndexed", "Indexed"), where)
    if mode == "Indexed" and spec.get("completions") is None:
        detail = "when completion mode is Indexed"
        found.append(causes.required(f"{field}.completions", detail))
    template = _part(spec, "template")
    _pods(template, f"{field}.template", found)
    restart = _part(template, "spec").get("restartPolicy")
    if restart not in {"OnFailure", "Never"}:
        where = f"{field}.template.spec.restartPolicy"
        if restart in {None, "", "Always"}:
            detail = 'valid values: "OnFailure", "Never"'
            found.append(causes.required(where, detail))
        else:
            found.append(causes.not_supported(where, restart, ("OnFailure", "Never")))


def job(obj: Object, old: Object | None) -> list[Cause]:
    """Check a Job."""
    spec, before = _part(obj, "spec"), None if old is None else _part(old, "spec")
    found: list[Cause] = []
    _job_spec(spec, found)
    wanted = part(spec, "selector")
    labels = _part(_part(_part(spec, "template"), "metadata"), "labels")
    if wanted is not None and not matches(wanted, labels):
        detail = "`selector` does not match template `labels`"
        found.append(causes.invalid("spec.template.metadata.labels", labels, detail))
    found += _kept(spec, before, "selector", "completionMode", "podFailurePolicy")
    found += _kept(spec, before, "backoffLimitPerIndex", "managedBy", "successPolicy")
    if before is not None:
        found += _completions(spec, before)
        started = _part(old or {}, "status").get("startTime")
        if not before.get("suspend") or started:
            found += _kept(spec, before, "template")
    return found


def _completions(spec: Object, before: Object) -> list[Cause]:
    if spec.get("completions") == before.get("completions"):
        return []
    if spec.get("completionMode") != "Indexed":
        return _kept(spec, before, "completions")
    if spec.get("completions") != spec.get("parallelism"):
        detail = "can only be modified in tandem with spec.parallelism"
        return [causes.invalid("spec.completions", spec.get("completions"), detail)]
    return []


_CRON_FIELDS = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    (0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_CRON_WORDS = ("yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly")


def schedule_problem(schedule: str) -> str | None:
    """Say why a text is not a cron schedule; None if it is one."""
    if schedule.startswith("@"):
        word = schedule[1:]
        if word in _CRON_WORDS or re.match(r"every (\d+(\.\d+)?(ns|us|ms|s|m|h))+\Z", word):
            return None
        return f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != len(_CRON_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for text, (low, high, names) in zip(fields, _CRON_FIELDS, strict=True):
        for piece in text.split(","):
            problem = _cron_problem(piece, low, high, names)
            if problem is not None:
                return problem
    return None


def _cron_problem(piece: str, low: int, high: int, names: tuple[str, ...]) -> str | None:
    span, slash, step = piece.partition("/")
    if slash and not step.isdigit():
        return f'failed to parse int from {step}: strconv.Atoi: parsing "{step}": invalid syntax'
    if slash and int(step) == 0:
        return f"step of range should be a positive number: {piece}"
    if span in {"*", "?"}:
        return None
    ends: list[int] = []
    for end in span.split("-"):
        if end.lower() in names:
            ends.append(names.index(end.lower()) + low)
        elif end.isdigit():
            ends.append(int(end))
        else:
            return f'failed to parse int from {end}: strconv.Atoi: parsing "{end}": invalid syntax'
    return _range_problem(ends, piece, low, high)


def _range_problem(ends: list[int], piece: str, low: int, high: int) -> str | None:
    first, last = ends[0], ends[-1]
    for wrong, text in (
        (len(ends) > 2, "too many hyphens"),  # noqa: PLR2004 - a range has two ends
        (first < low, f"beginning of range ({first}) below minimum ({low})"),
        (last > high, f"end of range ({last}) above maximum ({high})"),
        (first > last, f"beginning of range ({first}) beyond end of range ({last})"),
    ):
        if wrong:
            return f"{text}: {piece}"
    return None


def cron_job(obj: Object, old: Object | None) -> list[Cause]:
    """Check a CronJob."""
    del old
    spec = _part(obj, "spec")
    found: list[Cause] = []
    name = _part(obj, "metadata").get("name") or ""
    if len(name) > _CRON_NAME_LIMIT:
        detail = f"must be no more than {_CRON_NAME_LIMIT} characters"
        found.append(causes.invalid("metadata.name", name, detail))
    schedule = spec.get("schedule")
    if not schedule:
        found.append(causes.required("spec.schedule"))
    else:
        problem = schedule_problem(schedule)
        if problem is not None:
            found.append(causes.invalid("spec.schedule", schedule, problem))
    found += _numbers(
        spec, "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"
    )
    found += podchecks.one_of(
        spec.get("concurrencyPolicy"), ("Allow", "Forbid", "Replace"), "spec.concurrencyPolicy"
    )
    inner = _part(_part(spec, "jobTemplate"), "spec")
    _job_spec(inner, found, "spec.jobTemplate.spec")
    return found
