# Look whether the kernel moves packets for Open vSwitch, and tell what was found in the container's last words.
set -eu
if [ "$DATAPATH" = auto ]; then
    if ovs-dpctl dump-dps >/dev/null 2>&1; then DATAPATH=system; else DATAPATH=netdev; fi
fi
echo "$DATAPATH" >/run/ovn/datapath
version() { "$1" --version | sed -n '1s/.* \([0-9][0-9.]*\).*/\1/p'; }
printf '{"datapath": "%s", "openvswitch": "%s", "ovn": "%s"}' \
    "$DATAPATH" "$(version ovs-vsctl)" "$(version ovn-controller)" >/dev/termination-log
