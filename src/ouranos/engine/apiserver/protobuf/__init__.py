"""How objects come in Kubernetes' protobuf, as some commands of kubectl send them."""
