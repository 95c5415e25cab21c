# Keep this machine's bridges, their settings and the gateway's address as they should be. What is right
# already costs one look; what somebody removed is made again within ten seconds.
set -eu
trap 'exit 0' TERM INT
database=unix:/run/openvswitch/db.sock
datapath=$(cat /run/ovn/datapath)
records=/run/tunnels
# The same name has the same hardware address for ever, so that neighbours need not learn a new one.
digest=$(printf '%s' "$NODE_NAME" | md5sum)
pair() { printf '%s' "$digest" | cut -c "$1"; }
mac=0a:$(pair 1-2):$(pair 3-4):$(pair 5-6):$(pair 7-8):$(pair 9-10)
. "${0%/*}/tunnels.sh"
options=
case " $GATEWAYS " in *" $NODE_NAME "*) options=enable-chassis-as-gw ;; esac
# Guests' devices are named after the first eleven letters of their ports in Neutron; the rest OVN knows. Who removes
# a bridge removes the ports, but not the devices. And a switch that takes one in while libvirt still makes it can
# put it down again: it writes all of a device's flags, as they were when it looked.
plug() {
    ip -o link show type tun | sed -n 's/^[0-9]*: \(tap[0-9a-f-]\{11\}\): <\([^>]*\)>.*/\1 ,\2,/p' >/run/ovn/devices
    while read -r device flags; do
        case $flags in *,UP,*) ;; *) ip link set "$device" up ;; esac
        printf '%s\n' "$1" | grep -qxF "$device" && continue
        bound=$(ovn-sbctl --timeout=10 --no-leader-only --db="$OVN_REMOTE" --format=csv --data=bare --no-headings \
            --columns=logical_port,mac find Port_Binding | grep "^${device#tap}" | head -n 1)
        [ -n "$bound" ] || continue
        port=${bound%%,*} hardware=${bound#*,}
        ovs-vsctl --timeout=10 --db=$database --may-exist add-port br-int "$device" -- \
            set Interface "$device" external_ids:iface-id="$port" external_ids:iface-status=active \
            external_ids:attached-mac="\"${hardware%% *}\"" || return 1
        echo "Plugged $device in again"
    done </run/ovn/devices
}
# ovn-controller keeps which connections it tracks where with the bridge. Where that has gone, it gives a number away
# twice, and guests lose what they send; started anew, it counts anew.
recount() {
    bridge=$(ovs-vsctl --timeout=10 --db=$database get Bridge br-int _uuid) || return 1
    if [ -e /run/ovn/bridge ] && [ "$(cat /run/ovn/bridge)" != "$bridge" ]; then
        echo "br-int was made again, so ovn-controller starts again"
        ovn-appctl --timeout=10 -t /run/ovn/controller.ctl exit --restart || true
    fi
    echo "$bridge" >/run/ovn/bridge
}
# The way to guests' public addresses leads through a gateway, and through who is none any more no longer.
lead() {
    present=$(ip -4 -o address show dev br-ex up | grep -cF " $PUBLIC_ADDRESS ") || true
    if [ -n "$options" ]; then
        [ "$present" != 0 ] || { ip address replace "$PUBLIC_ADDRESS" dev br-ex && ip link set br-ex mtu "$MTU" up; }
    else
        [ "$present" = 0 ] || ip address delete "$PUBLIC_ADDRESS" dev br-ex
    fi
}
while :; do
    if find_tunnels && ports=$(ovs-vsctl --timeout=10 --db=$database \
        set Open_vSwitch . external_ids:system-id="$NODE_NAME" external_ids:hostname="$NODE_NAME" \
        external_ids:ovn-remote="$OVN_REMOTE" external_ids:ovn-encap-type=geneve \
        external_ids:ovn-encap-ip="$encapsulation" external_ids:ovn-bridge-datapath-type="$datapath" \
        external_ids:ovn-bridge-mappings="$PHYSICAL_NETWORK:br-ex" \
        external_ids:ovn-cms-options="\"$options\"" -- \
        --may-exist add-br br-int -- \
        set Bridge br-int datapath_type="$datapath" fail_mode=secure -- \
        --may-exist add-br br-ex -- \
        set Bridge br-ex datapath_type="$datapath" other_config:hwaddr="$mac" -- \
        list-ports br-int) &&
        plug "$ports" &&
        recount &&
        lead
    then
        : >/run/ovn/bridges-are-right
    else
        rm -f /run/ovn/bridges-are-right
    fi
    sleep 10 &
    wait $!
done
