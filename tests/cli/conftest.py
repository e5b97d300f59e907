"""The server of the REST tests serves the tests of the command line too."""

from tests.api.conftest import house, server, settings

__all__ = ["house", "server", "settings"]
