# What a lab's node does first, in new namespaces: it builds a machine of its own out of the host's
# programs (read-only) and of folders of its own, and leaves everything else of the host behind.
# Reads: NODE (name), DISK (the node's folder), PROGRAMS, VOLUMES.
set -eu
ROOT=$DISK/root

mount --make-rprivate /
hostname "$NODE"

mount --bind / "$ROOT"
mount -o remount,bind,ro "$ROOT"
if mountpoint -q /usr; then mount --rbind /usr "$ROOT/usr"; fi
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
mount -t overlay -o "lowerdir=/etc,upperdir=$DISK/etc,workdir=$DISK/etc-work" overlay "$ROOT/etc"
mount --bind "$DISK/var" "$ROOT/var"
mount --bind "$VOLUMES" "$ROOT/var/volumes"
mount --bind "$DISK/run" "$ROOT/run"
mount --bind "$DISK/opt" "$ROOT/opt"
mount --bind "$PROGRAMS" "$ROOT/opt/bin"
mount -t sysfs sysfs "$ROOT/sys"

# The cgroups of this namespace: their root is the node's, and nothing above it is seen.
groups=$ROOT/sys/fs/cgroup
if grep -q '^[1-9]' /proc/self/cgroup; then
  mount -t tmpfs -o mode=755 tmpfs "$groups"
  while IFS=: read -r number controllers place; do
    if [ "$number" = 0 ]; then
      mkdir "$groups/unified"
      mount -t cgroup2 cgroup2 "$groups/unified"
    elif [ "${controllers#name=}" != "$controllers" ]; then
      mkdir "$groups/${controllers#name=}"
      mount -t cgroup -o "none,$controllers" cgroup "$groups/${controllers#name=}"
    else
      mkdir "$groups/$controllers"
      mount -t cgroup -o "$controllers" cgroup "$groups/$controllers"
      IFS=,; for one in $controllers; do
        if [ "$one" != "$controllers" ]; then ln -s "$controllers" "$groups/$one"; fi
      done; unset IFS
    fi
  done </proc/self/cgroup
else
  mount -t cgroup2 cgroup2 "$groups"
fi

mount -t proc proc "$ROOT/proc"
for file in /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/default/rp_filter; do
  echo 0 >"$ROOT$file"
done
echo 1 >"$ROOT/proc/sys/net/ipv4/ip_forward"

cd "$ROOT"
pivot_root . mnt
umount -l /mnt
mount --make-rshared /
: >/run/ready
exec /opt/bin/pause
