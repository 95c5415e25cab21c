# Where this machine's tunnels begin: sourced by bridges.sh. Sets $encapsulation, the address for OVN to tell others.
#
# The kernel sends tunnels by whatever card has the address. Open vSwitch's own datapath sends them only by a bridge
# that holds both, so there br-phy gets the card and what addresses it has. They are written down first, given to
# br-phy next, and taken from the card last: who is ended between leaves them in two places, and never in none. A
# switch that starts again makes br-phy again without them; a machine that starts again has them on the card again.
# Besides with the bridge they are written down in $records, for the cloud that gets the machine after this one.
set -eu
released=
addresses() { echo $(ip -4 -o address show dev "$1" scope global 2>/dev/null | sed -n 's/.* inet \([0-9./]*\) .*/\1/p'); }
within() { for each in $1; do case " $2 " in *" $each "*) ;; *) return 1 ;; esac; done; }
give_up() {
    rm -f /run/ovn/bridges-are-right
    echo "$NODE_NAME $1; spec.compute.tunnelInterface names it" >&2
    exit 1
}
# A card that was for tunnels and is no more has its addresses again, before it is let go.
release_others() {
    [ -z "$released" ] || return 0
    found=0
    ovs-vsctl --timeout=10 --db="$database" br-exists br-phy || found=$?
    if [ $found = 0 ]; then
        for card in $(ovs-vsctl --timeout=10 --db="$database" list-ports br-phy); do
            [ "$card" != "$TUNNEL_INTERFACE" ] || continue
            told=$(ovs-vsctl --timeout=10 --db="$database" --if-exists get Bridge br-phy "external_ids:$card") || return 1
            if ip link show dev "$card" >/dev/null 2>&1; then
                for one in $(printf '%s' "$told" | tr -d '"'); do ip address replace "$one" dev "$card" || return 1; done
            fi
            ovs-vsctl --timeout=10 --db="$database" del-port br-phy "$card" -- \
                remove Bridge br-phy external_ids "$card" || return 1
            rm -f "$records/$card" || return 1
            echo "$card has $told again"
        done
        [ -n "$TUNNEL_INTERFACE" ] || ovs-vsctl --timeout=10 --db="$database" del-br br-phy || return 1
    elif [ $found != 2 ]; then
        return 1
    fi
    released=yes
}
find_tunnels() {
    encapsulation=$NODE_IP
    release_others || return 1
    [ -n "$TUNNEL_INTERFACE" ] || return 0
    ip link show dev "$TUNNEL_INTERFACE" >/dev/null 2>&1 || give_up "has no network card $TUNNEL_INTERFACE"
    wanted=$(addresses "$TUNNEL_INTERFACE")
    if [ -z "$wanted" ] || [ "$datapath" = netdev ]; then
        told=$(ovs-vsctl --timeout=10 --db="$database" --if-exists get Bridge br-phy \
            "external_ids:$TUNNEL_INTERFACE") || return 1
        told=$(printf '%s' "$told" | tr -d '"')
        if [ -z "$told" ] && told=$(cat "$records/$TUNNEL_INTERFACE" 2>/dev/null); then
            # What the card has left is what another cloud's switch was ended over.
            ! within "$wanted" "$told" || wanted=$told
        elif [ -z "$wanted" ] || { [ "$(addresses br-phy)" = "$told" ] && within "$wanted" "$told"; }; then
            # And here, when the bridge has all, this cloud's.
            wanted=$told
        fi
    fi
    [ -n "$wanted" ] || give_up "has no IPv4 address on its network card $TUNNEL_INTERFACE"
    encapsulation=${wanted%%/*}
    [ "$datapath" = netdev ] || return 0
    if [ "$(cat "$records/$TUNNEL_INTERFACE" 2>/dev/null)" != "$wanted" ]; then
        echo "$wanted" >"$records/.new" && mv "$records/.new" "$records/$TUNNEL_INTERFACE" || return 1
    fi
    # Others' switches remember for a quarter of an hour whose an address is. So the bridge's own follows from it, and who
    # comes in a machine's place, or with another card, is found. It is not the card's: what comes to that, the kernel
    # takes for itself, and answers that nobody listens.
    hardware=$(printf '0e:6f:%02x:%02x:%02x:%02x' $(printf '%s' "$encapsulation" | tr . ' '))
    ovs-vsctl --timeout=10 --db="$database" --may-exist add-br br-phy -- set Bridge br-phy datapath_type=netdev \
        "external_ids:$TUNNEL_INTERFACE=\"$wanted\"" "other_config:hwaddr=\"$hardware\"" -- \
        --may-exist add-port br-phy "$TUNNEL_INTERFACE" || return 1
    if [ "$(addresses br-phy)" != "$wanted" ]; then
        for one in $wanted; do ip address replace "$one" dev br-phy || return 1; done
        for one in $(addresses br-phy); do
            within "$one" "$wanted" || ip address delete "$one" dev br-phy || return 1
        done
        echo "br-phy has $wanted of $TUNNEL_INTERFACE now"
    fi
    ip link set br-phy up || return 1
    for one in $(addresses "$TUNNEL_INTERFACE"); do ip address delete "$one" dev "$TUNNEL_INTERFACE" || return 1; done
}
