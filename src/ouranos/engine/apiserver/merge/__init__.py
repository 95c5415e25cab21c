"""How two writers share one object: field ownership, server-side apply and the three patch types."""
