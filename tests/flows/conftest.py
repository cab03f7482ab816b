"""The flows run on the same small company as the commands."""

from tests.cli.conftest import company, connected, landfall  # noqa: F401
