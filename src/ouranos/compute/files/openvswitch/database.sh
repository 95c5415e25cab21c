# Run the switch's own database, made first if there is none and brought to the present schema if it is older.
set -eu
cd /var/lib/openvswitch
schema=/usr/share/openvswitch/vswitch.ovsschema
if [ ! -e conf.db ]; then
    rm -f conf.new .conf.new.~lock~
    ovsdb-tool create conf.new $schema
    sync conf.new
    mv conf.new conf.db
    sync .
elif [ "$(ovsdb-tool needs-conversion conf.db $schema)" = yes ]; then
    ovsdb-tool convert conf.db $schema
fi
exec ovsdb-server conf.db --remote=punix:/run/openvswitch/db.sock \
    --unixctl=/run/openvswitch/ovsdb.ctl -vconsole:info -vsyslog:off -vfile:off
