"""How does one try Ouranos on a real Kubernetes without having one? This machine becomes one."""
