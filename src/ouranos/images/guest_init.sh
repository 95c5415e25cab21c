#!/bin/sh
# Process 1 of the small guest: network by DHCP, name and user-data from the metadata service, a
# web page. Everything that it says on the console begins with "GUEST:".
export PATH=/bin

say() { echo "GUEST: $* ($(cut -d' ' -f1 /proc/uptime) s)"; }

# Busybox's own HTTP client needs a resolver that a static program lacks.
metadata() {
    printf 'GET %s HTTP/1.0\r\nHost: 169.254.169.254\r\n\r\n' "/latest/$1" |
        nc -w 5 169.254.169.254 80 2>/dev/null |
        sed -e '1{/^HTTP[^ ]* 200 /!q}' -e '1,/^\r*$/d'
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir /dev/pts
mount -t devpts pts /dev/pts
say started

for module in /modules/*; do insmod "$module"; done
ip link set lo up
tries=0
while [ ! -e /sys/class/net/eth0 ] && [ $tries -lt 100 ]; do usleep 50000; tries=$((tries + 1)); done
ip link set eth0 up
udhcpc -i eth0 -n -q -t 20 -T 1 -O staticroutes -O mtu -s /etc/lease >/dev/null || say no lease
address=$(ip -4 -o address show dev eth0 | sed 's/.*inet //;s/ .*//')
say "network ${address:-is missing}"

tries=0
while [ $tries -lt 60 ]; do
    name=$(metadata meta-data/hostname)
    [ -n "$name" ] && break
    tries=$((tries + 1))
    sleep 1
done
if [ -n "$name" ]; then
    hostname "$name"
    say "metadata names it $name"
    metadata user-data >/run/user-data
else
    say no metadata
fi

echo "hello from $(hostname) at ${address%/*}" >/www/index.html
if [ "$(head -c 2 /run/user-data 2>/dev/null)" = '#!' ]; then
    say user-data runs
    sh /run/user-data
fi
pidof httpd >/dev/null || httpd -h /www -p 80
acpid -l /dev/null
say READY

# A shell on the console, for whoever looks.
while :; do
    setsid cttyhack sh -l </dev/ttyS0 >/dev/ttyS0 2>&1
    sleep 1
done
