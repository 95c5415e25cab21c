# Run the switch. What must be said before it starts is said here; bridges are made beside ovn-controller.
set -eu
database=unix:/run/openvswitch/db.sock
tries=0
# Without this, what a guest leaves to its network card to compute, nobody computes (userspace datapath): TCP fails,
# within a machine and, since Open vSwitch 3.3, no less between two.
# Each further command here is time in which guests have no network.
until told=$(ovs-vsctl --timeout=5 --db=$database --no-wait \
    set Open_vSwitch . other_config:userspace-tso-enable=true 2>&1); do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "$told" >&2; exit 1; }
    sleep 0.1
done
exec ovs-vswitchd $database --unixctl=/run/openvswitch/vswitchd.ctl \
    -vconsole:info -vsyslog:off -vfile:off
