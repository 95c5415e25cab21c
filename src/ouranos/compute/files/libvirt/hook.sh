#!/bin/sh
# libvirt calls this at each turn of a guest's life. A guest leaves the cgroup of libvirt's container for
# one of its own, so that whoever ends the container does not end the guest.
case "$2" in started | reconnect | attach) ;; *) exit 0 ;; esac
pid=$(cat "/run/libvirt/qemu/$1.pid") || exit 0
# Version 2 has one tree, and each folder below it looks like one; version 1 has a folder of trees.
trees=/sys/fs/cgroup
[ -e $trees/cgroup.procs ] || trees=$(echo $trees/*)
for tree in $trees; do
    [ -e "$tree/cgroup.procs" ] || continue
    group=$tree/guests
    [ -d "$group" ] || mkdir "$group" || continue
    for file in cpuset.cpus cpuset.mems; do
        # A new cpuset of version 1 has neither, and then takes no process.
        if [ -e "$tree/cpuset.cpus" ] && [ -z "$(cat "$group/$file")" ]; then
            cat "$tree/$file" >"$group/$file"
        fi
    done
    echo "$pid" >"$group/cgroup.procs" || echo "guest $1 stays in libvirt's $tree" >&2
done
exit 0
