"""How objects are shown in rows and columns, as `kubectl get` prints them."""
