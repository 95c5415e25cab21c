# Make both databases, unless they are there, and bring older ones to the present schema. Each file
# appears by one rename, so that a crash at any line leaves nothing or all of it.
set -eu
cd /var/lib/ovn
undecided() {
    echo "$1" >&2
    exit 3
}
for name in nb sb; do
    schema=/usr/share/ovn/ovn-$name.ovsschema
    if [ ! -e $name.db ]; then
        rm -f $name.new .$name.new.~lock~
        ovsdb-tool create $name.new $schema
        sync $name.new
        mv $name.new $name.db
        sync .
        continue
    fi
    needs=$(ovsdb-tool needs-conversion $name.db $schema) ||
        undecided "$name.db cannot be read: restore it from a backup, or delete it"
    if [ "$needs" = yes ]; then
        ovsdb-tool convert $name.db $schema
    fi
done
