"""What do a service's configuration files say? Pure, and the step `config` that stores it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ouranos.kit import kinds, objects, outcome
from ouranos.openstack import configuration, environment
from ouranos.services import labels, page, work

ConfigSpec = Mapping[str, Mapping[str, Any]]


async def config(work_: work.Work) -> outcome.Outcome:
    """The service's files are stored under a name that changes with their content."""
    if work_.page.ovn and not (work_.scope.northbound and work_.scope.southbound):
        return outcome.wait("OVN/ovn to say where its databases answer")
    texts = of(work_)
    wanted = config_map(work_.page, work_.scope, texts)
    if wanted is not None:
        await work_.pass_.apply(wanted)
    return outcome.DONE


async def remove_old(work_: work.Work, current: str) -> None:
    """Delete the configurations that no pod reads any more; call it after a rollout."""
    for old in work_.pass_.cache.owned(kinds.CONFIG_MAP, work_.pass_.object):
        name: str = old["metadata"]["name"]
        # Hypervisors' agents belong to Nova's object too, with configurations of their own.
        if name != current and name.startswith(f"{_prefix(work_.page)}-"):
            await work_.pass_.delete(kinds.CONFIG_MAP, name)


def _prefix(service: page.Service) -> str:
    return f"{service.name}-config"


def config_map(
    service: page.Service, scope: page.Scope, texts: Mapping[str, str]
) -> objects.Object | None:
    """The immutable ConfigMap with all files; None where there are none."""
    if not texts:
        return None
    data = {key(path): text for path, text in sorted(texts.items())}
    name = objects.content_name(_prefix(service), data)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": labels.metadata(service, scope, name, "config"),
        "immutable": True,
        "data": data,
    }


def of(work_: work.Work) -> dict[str, str]:
    """All files of a pass, rendered once.

    Raises:
        errors.Terminal: see `rendered`.
    """
    if not work_.texts:
        work_.texts.update(rendered(work_.page, work_.scope))
    return work_.texts


def key(path: str) -> str:
    """The key of a file in the ConfigMap."""
    return path.lstrip("/").replace("/", ".")


def rendered(service: page.Service, scope: page.Scope) -> dict[str, str]:
    """All files by path, with the person's overrides.

    Raises:
        errors.Terminal: `spec.config` sets what Ouranos has to set, or what no file can hold.
    """
    texts = dict(service.files(scope))
    overrides: ConfigSpec = scope.spec.get("config") or {}
    policy: Mapping[str, str] = scope.spec.get("policy") or {}
    if service.settings is None:
        if overrides or policy:
            raise work.refuse(
                f"{service.kind.kind} takes neither config nor policy; hint: remove them"
            )
        return texts
    sections = configuration.merge(service.settings.sections(scope))
    if policy:
        path = f"{service.settings.path.rpartition('/')[0]}/policy.yaml"
        texts[path] = policy_file(policy)
        sections = configuration.merge(sections, {"oslo_policy": {"policy_file": path}})
    merged = configuration.merge(sections, _verbatim(service, overrides))
    try:
        texts[service.settings.path] = configuration.render(merged)
    except configuration.InvalidValueError as error:
        hint = "write it on one line, without control characters"
        raise work.refuse(f"spec.config: {error}; hint: {hint}") from error
    return texts


def policy_file(policy: Mapping[str, str]) -> str:
    """The text of policy.yaml."""
    return yaml.safe_dump(dict(policy), allow_unicode=True, width=1000, sort_keys=True)


def _verbatim(service: page.Service, overrides: ConfigSpec) -> configuration.Sections:
    refused = set(refused_options(service))
    for section, options in overrides.items():
        for option in options:
            if (section, option) in refused:
                raise work.refuse(
                    f"spec.config.{section}.{option} is Ouranos' own to set; hint: remove it"
                )
    return {
        section: {option: _written(value) for option, value in options.items()}
        for section, options in overrides.items()
    }


def _written(value: Any) -> configuration.Value:
    if isinstance(value, str):
        return configuration.Verbatim(value)
    if isinstance(value, list):
        items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType] - JSON
        return [_scalar(item) for item in items]
    return value


def _scalar(value: Any) -> configuration.Scalar:
    return configuration.Verbatim(value) if isinstance(value, str) else value


def refused_options(service: page.Service) -> Iterable[tuple[str, str]]:
    """Options that `spec.config` may not set: environment or page have the only right value."""
    if service.settings:
        yield from service.settings.owned
    yield from {("DEFAULT", "transport_url"), ("oslo_policy", "policy_file")}
    for claimed in service.databases:
        if claimed.section:
            yield (claimed.section, "connection")
    for credential in service.credentials():
        if isinstance(credential, page.SharedSecret) and credential.option:
            yield credential.option
    yield from _by_environment(service)


def _by_environment(service: page.Service) -> Iterable[tuple[str, str]]:
    for component in service.components:
        for option in component.options:
            yield (option.section, option.option)
        for variable in {**service.variables, **component.variables}:
            prefix, _, name = variable.lower().partition("__")
            if name and prefix.startswith("os_"):
                yield (prefix.removeprefix("os_").replace("default", "DEFAULT"), name)


def folders(paths: Iterable[str]) -> dict[str, list[str]]:
    """The files of each folder."""
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        found.setdefault(path.rpartition("/")[0], []).append(path)
    return found


def variable_of(option: page.Option) -> str:
    """The environment variable of an option."""
    return environment.option(option.section, option.option)
