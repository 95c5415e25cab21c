"""What is an OpenStack service to the kinds? Asked by the kinds and by the Cloud.

Which services there are is not known here: each has a page in the services room, and whoever asks
for the kinds brings what the pages say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pydantic

from ouranos.api import model, names, openstack

_STANDS_ON: Final = {
    "mariadb": "The MariaDB object that fulfils its Database claims.",
    "rabbitmq": "The RabbitMQ object that fulfils its Vhost claim.",
    "memcached": "The Memcached object whose server it caches in.",
    "ovn": "The OVN object whose databases it writes.",
}


@dataclass(frozen=True, slots=True)
class Service:
    """One OpenStack service, as far as people write of it.

    Attributes:
        name: its name, and that of its object and of its field in a Cloud: `glance`.
        kind: its object's kind, and its name in a sentence: `Glance`.
        plural: that kind as in a URL.
        about: what it gives to users, as the rest of a sentence: `images`.
        needs: names of services without which it cannot work.
        backing: names of the backing services that it stands on.
        settings: what people may say of it.
        shared: fields of the Cloud's spec that the service is told too, as far as it needs them.
    """

    name: str
    kind: str
    plural: str
    about: str
    needs: tuple[str, ...] = ()
    backing: tuple[str, ...] = ()
    settings: type[openstack.Settings] = openstack.Settings
    shared: type[model.Model] = model.Model

    @property
    def names(self) -> names.Name:
        """What its kind is called."""
        return names.Name(self.kind, self.plural, only=self.name)

    @property
    def sentence(self) -> str:
        """What it gives to users, by itself."""
        return f"{self.about[:1].upper()}{self.about[1:]}."


def resource(service: Service) -> type[model.Resource]:
    """The model of a service's object."""
    spec = pydantic.create_model(
        f"{service.kind}Spec",
        __base__=(openstack.ServiceSpec, service.settings, service.shared),
        __doc__=f"{service.kind}: {service.about}.",
        **_backing(service),
    )
    return pydantic.create_model(
        service.kind,
        __base__=model.Resource,
        __doc__=f"{service.kind}: {service.about}.",
        spec=(spec, ...),
        status=(openstack.ServiceStatus, openstack.ServiceStatus()),
    )


def _backing(service: Service) -> dict[str, Any]:
    """The field `backing`, if the service stands on anything."""
    if not service.backing:
        return {}
    references: dict[str, Any] = {
        f"{name}_ref": (
            model.Reference,
            pydantic.Field(model.Reference(name=name), description=_STANDS_ON[name]),
        )
        for name in service.backing
    }
    backing = pydantic.create_model(
        "Backing",
        __base__=model.Model,
        __doc__="The backing services that the service stands on.",
        **references,
    )
    return {"backing": (backing, backing())}
