"""The Common Expression Language as Kubernetes speaks it: parse, check against a schema, run."""
