# libvirt reads these from folders that it also writes to, so they are put there at each start.
set -eu
mkdir -p /etc/libvirt/hooks /etc/libvirt/qemu/networks/autostart
for name in libvirtd.conf qemu.conf; do
    cp "/etc/ouranos/$name" "/etc/libvirt/$name.new"
    mv -f "/etc/libvirt/$name.new" "/etc/libvirt/$name"
done
cp /etc/ouranos/hook.sh /etc/libvirt/hooks/qemu.new
chmod 755 /etc/libvirt/hooks/qemu.new
mv -f /etc/libvirt/hooks/qemu.new /etc/libvirt/hooks/qemu
# A machine keeps its identity; there is none in the firmware of every machine.
identity=/etc/libvirt/host-uuid
[ -s $identity ] || { cat /proc/sys/kernel/random/uuid >$identity.new && mv $identity.new $identity; }
printf 'host_uuid = "%s"\n' "$(cat $identity)" >>/etc/libvirt/libvirtd.conf
mkdir -p /var/lib/libvirt/qemu /var/lib/libvirt/images /var/lib/libvirt/boot /var/cache/libvirt/qemu \
    /var/log/libvirt/qemu
# Nova measures the disk here before it has put a guest there.
mkdir -p /var/lib/nova/instances
chown 64055:kvm /var/lib/libvirt/qemu
version() { "$1" --version | sed -n '1s/.*[^0-9.]\([0-9][0-9]*\.[0-9][0-9.]*[0-9]\).*/\1/p'; }
printf '{"libvirt": "%s", "qemu": "%s"}' "$(version libvirtd)" "$(version qemu-system-x86_64)" \
    >/dev/termination-log
