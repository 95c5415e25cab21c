// The operators whose kinds the stories of tests/cloud/operators are told with: their definitions,
// as they publish them, are read from these modules at these versions; nothing of them is compiled.
module ouranos.cloud/tests/crds

go 1.26.0

require (
	github.com/mariadb-operator/mariadb-operator/v25 v25.10.4
	github.com/rabbitmq/cluster-operator/v2 v2.19.0
	github.com/rabbitmq/messaging-topology-operator v1.20.1
)
