"""What abilities import from `requests.utils`."""

from urllib.parse import quote, unquote, urlparse

__all__ = ["quote", "unquote", "urlparse"]
