# Make the folder of an empty database server, unless there is one. `data` appears by one rename, when
# it is complete, so that a crash at any line leaves nothing or all of it.
set -eu
cd /var/lib/mysql
undecided() {
    echo "$1" >&2
    exit 3
}
if [ -e data ]; then
    [ -f data/ibdata1 ] && [ -d data/mysql ] && exit 0
    undecided "the volume has a folder 'data' without system tables: restore it from a backup, or \
delete it to begin with empty databases"
fi
for found in * .[!.]*; do
    case "$found" in
        initialising | lost+found | '*' | '.[!.]*') ;;
        *) undecided "the volume holds '$found', which Ouranos did not make: empty the volume, or move \
a MariaDB data folder to 'data'" ;;
    esac
done
rm -rf initialising
mkdir initialising
mariadb-install-db --no-defaults --datadir=/var/lib/mysql/initialising --tmpdir=/tmp --skip-test-db \
    --auth-root-authentication-method=socket --auth-root-socket-user=mysql >/tmp/log 2>&1 || {
    tail -n 20 /tmp/log >&2
    exit 1
}
# Only what is ours: a plain sync would wait for the whole machine.
find initialising -depth -exec sync {} +
mv -T initialising data
sync .
