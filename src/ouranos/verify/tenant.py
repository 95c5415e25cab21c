"""An ordinary project and user for one run, and the removal of what an interrupted run left."""

from __future__ import annotations

import secrets
from typing import Any

from openstack import connection
from openstack.config import loader

from ouranos.verify import story

MARK = "ouranos:verify"  # the description of everything that verify makes in Keystone


def connect(access: dict[str, Any]) -> Any:
    """The connection that an entry of a `clouds.yaml` gives; no file and no variable is read."""
    config = loader.OpenStackConfig(load_yaml_config=False, load_envvars=False)
    return connection.Connection(config=config.get_one(**access), app_name="ouranos-verify")


def connect_admin(clouds_yaml: str, cloud: str) -> Any:
    """The administrator's connection, by the cloud's own `clouds.yaml` and nothing else."""
    config = loader.OpenStackConfig(config_files=[clouds_yaml], load_envvars=False)
    return connection.Connection(config=config.get_one(cloud=cloud), app_name="ouranos-verify")


def enter(run: story.Story) -> None:
    """Make a project and a user with the role `member`, and connect as that user."""
    identity = run.admin.identity
    name = f"verify-{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(24)
    project = identity.create_project(name=name, domain_id="default", description=MARK)
    run.project = project.id
    user = identity.create_user(
        name=name,
        domain_id="default",
        password=password,
        default_project_id=project.id,
        description=MARK,
    )
    run.user = user.id
    role = identity.find_role("member", ignore_missing=False)
    identity.assign_project_role_to_user(project.id, user.id, role.id)
    auth = run.admin.config.get_auth_args()
    run.tenant = connection.Connection(
        auth_url=auth["auth_url"],
        username=name,
        password=password,
        project_id=project.id,
        user_domain_id="default",
        region_name=run.admin.config.get_region_name(),
        app_name="ouranos-verify",
    )
    run.tenant.authorize()


def leave(run: story.Story) -> None:
    """Remove the user and the project."""
    if run.user:
        run.admin.identity.delete_user(run.user)
    if run.project:
        run.admin.identity.delete_project(run.project)


def abandoned(admin: Any) -> list[Any]:
    """Projects that an earlier run left when it was interrupted."""
    return [each for each in admin.identity.projects() if each.description == MARK]


def remove_user_of(admin: Any, project: Any) -> None:
    """Remove the user that was made with the project."""
    for user in admin.identity.users(name=project.name):
        if user.description == MARK:
            admin.identity.delete_user(user.id)
