# Run libvirt. Guests open the processor's device as members of the group kvm, which the machine may know by
# another number. The file is this container's own.
set -eu
[ ! -c /dev/kvm ] || { chown root:kvm /dev/kvm && chmod 660 /dev/kvm; }
exec libvirtd
