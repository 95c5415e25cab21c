# Run the agent. It sets kernel parameters inside the networks' namespaces, which runtimes forbid by making
# /proc/sys read-only; whoever may mount may undo that for itself.
set -eu
mount -o remount,bind,rw /proc/sys
exec python3 -m ouranos_runtime.neutron_agent --config-file /etc/ouranos/neutron.conf
