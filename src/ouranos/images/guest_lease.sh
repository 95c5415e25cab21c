#!/bin/sh
# What the small guest does with what its DHCP client learns.
case $1 in
deconfig)
    ip address flush dev "$interface"
    ip link set "$interface" up
    ;;
bound | renew)
    ip address add "$ip/${mask:-24}" dev "$interface"
    [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
    for first in $router; do
        ip route add default via "$first"
        break
    done
    # Pairs of a destination and the way there; 0.0.0.0 as the way means this link.
    set -- $staticroutes
    while [ $# -ge 2 ]; do
        if [ "$1" = 0.0.0.0/0 ]; then
            ip route replace default via "$2"
        elif [ "$2" = 0.0.0.0 ]; then
            ip route add "$1" dev "$interface"
        else
            ip route add "$1" via "$2" dev "$interface"
        fi
        shift 2
    done
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    ;;
esac
