"""What does a cluster need that Kubernetes does not have? Volumes, and addresses of Services."""
