"""QuickBooks Online: the books of one company, read-only."""

from connectors.quickbooks.auth import Tokens
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.streams import STREAMS

__all__ = ["STREAMS", "QuickBooksClient", "Tokens"]
