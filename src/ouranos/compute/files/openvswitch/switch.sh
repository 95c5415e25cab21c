# Run the switch. What must be said before it starts is said here; bridges are made beside ovn-controller.
set -eu
database=unix:/run/openvswitch/db.sock
tries=0
until ovs-vsctl --timeout=5 --db=$database --no-wait init 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || exit 1
    sleep 0.1
done
# Without this, what a guest leaves to its network card to compute, nobody computes (userspace datapath).
ovs-vsctl --timeout=30 --db=$database --no-wait \
    set Open_vSwitch . other_config:userspace-tso-enable="$TSO"
exec ovs-vswitchd $database --unixctl=/run/openvswitch/vswitchd.ctl \
    -vconsole:info -vsyslog:off -vfile:off
