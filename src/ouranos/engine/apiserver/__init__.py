"""The embedded API: what a kube-apiserver answers, from one process and one file."""
