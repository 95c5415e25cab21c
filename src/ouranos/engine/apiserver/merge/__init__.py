"""How writers share one object: field ownership, server-side apply and the patch types."""
