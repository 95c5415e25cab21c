# Erlang wants its cookie in a file that only the owner may read.
set -eu
umask 077
cd /var/lib/rabbitmq
rm -f .cookie.new
cp /etc/ouranos-secret/cookie .cookie.new
chmod 400 .cookie.new
mv -f .cookie.new .erlang.cookie
