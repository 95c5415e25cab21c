"""Which users run in images, by which numbers?

The same in all images, and never changed: data on disks belongs to the numbers.
"""

from typing import Final

from ouranos.images.definition import Account, Group

MEMCACHED: Final = 42457
MYSQL: Final = 42434
RABBITMQ: Final = 42439
KEYSTONE: Final = 42425
GLANCE: Final = 42415
PLACEMENT: Final = 42482
NOVA: Final = 42436
NEUTRON: Final = 42435
CINDER: Final = 42407
LIBVIRT_QEMU: Final = 64055
KVM: Final = 64056
LIBVIRT: Final = 64057
OURANOS: Final = 42499

OPENSTACK: Final = (
    Account("keystone", KEYSTONE, home="/var/lib/keystone"),
    Account("glance", GLANCE, home="/var/lib/glance"),
    Account("placement", PLACEMENT, home="/var/lib/placement"),
    Account("nova", NOVA, home="/var/lib/nova"),
    Account("neutron", NEUTRON, home="/var/lib/neutron"),
    Account("cinder", CINDER, home="/var/lib/cinder"),
)

ALL: Final = (
    Account("mysql", MYSQL, home="/var/lib/mysql"),
    Account("rabbitmq", RABBITMQ, home="/var/lib/rabbitmq"),
    Account("memcached", MEMCACHED),
    Account("ouranos", OURANOS),
    # libvirt's QEMU driver does not load without this user; its primary group is kvm in Debian.
    Account("libvirt-qemu", LIBVIRT_QEMU, group=KVM, home="/var/lib/libvirt"),
    *OPENSTACK,
)

GROUPS: Final = (
    Group("kvm", KVM, ("nova",)),
    Group("libvirt", LIBVIRT, ("nova",)),
)
