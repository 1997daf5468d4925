"""Sees calls through: connections, addresses, repeats, deadlines. What it stands on (``runtime.py``) is handed in."""
