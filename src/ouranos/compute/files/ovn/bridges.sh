# Keep this machine's bridges, their settings and the gateway's address as they should be. What is right
# already costs one look; what somebody removed is made again within ten seconds.
set -eu
trap 'exit 0' TERM INT
database=unix:/run/openvswitch/db.sock
datapath=$(cat /run/ovn/datapath)
# The same name has the same hardware address for ever, so that neighbours need not learn a new one.
digest=$(printf '%s' "$NODE_NAME" | md5sum)
pair() { printf '%s' "$digest" | cut -c "$1"; }
mac=0a:$(pair 1-2):$(pair 3-4):$(pair 5-6):$(pair 7-8):$(pair 9-10)
options=
case " $GATEWAYS " in *" $NODE_NAME "*) options=enable-chassis-as-gw ;; esac
while :; do
    if ovs-vsctl --timeout=10 --db=$database \
        set Open_vSwitch . external_ids:system-id="$NODE_NAME" external_ids:hostname="$NODE_NAME" \
        external_ids:ovn-remote="$OVN_REMOTE" external_ids:ovn-encap-type=geneve \
        external_ids:ovn-encap-ip="$NODE_IP" external_ids:ovn-bridge-datapath-type="$datapath" \
        external_ids:ovn-bridge-mappings="$PHYSICAL_NETWORK:br-ex" \
        external_ids:ovn-cms-options="\"$options\"" -- \
        --may-exist add-br br-int -- \
        set Bridge br-int datapath_type="$datapath" fail_mode=secure -- \
        --may-exist add-br br-ex -- \
        set Bridge br-ex datapath_type="$datapath" other_config:hwaddr="$mac" &&
        { [ -z "$options" ] ||
            { ip -4 -o address show dev br-ex up | grep -qF " $PUBLIC_ADDRESS " ||
                { ip address replace "$PUBLIC_ADDRESS" dev br-ex && ip link set br-ex mtu "$MTU" up; }; }; }
    then
        : >/run/ovn/bridges-are-right
    else
        rm -f /run/ovn/bridges-are-right
    fi
    sleep 10 &
    wait $!
done
