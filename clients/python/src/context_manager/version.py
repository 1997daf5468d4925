"""The one place that says which version this is; pyproject.toml reads it."""

VERSION = "0.1.0"
CLIENT_NAME = f"context-manager-py/{VERSION}"
