"""A stand-in for `httpx`, for abilities that do not bundle it.

It has the usual names, so that an ability starts, and answers every call with
`ConnectError`: the sandbox grants no network. It must never pretend that a request was
sent.
"""

from httpx._clients import AsyncClient, Client, stream
from httpx._exceptions import (
    CloseError,
    ConnectError,
    ConnectTimeout,
    CookieConflict,
    DecodingError,
    HTTPError,
    HTTPStatusError,
    InvalidURL,
    LocalProtocolError,
    NetworkError,
    PoolTimeout,
    ProtocolError,
    ProxyError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    RequestError,
    StreamError,
    TimeoutException,
    TooManyRedirects,
    TransportError,
    UnsupportedProtocol,
    WriteError,
    WriteTimeout,
)
from httpx._models import (
    URL,
    AsyncHTTPTransport,
    BasicAuth,
    Headers,
    HTTPTransport,
    Limits,
    QueryParams,
    Request,
    Response,
    Timeout,
    codes,
)

__version__ = "0.stand.in"


def request(method, url, **options):
    """Answers with `ConnectError`."""
    return Client().request(method, url, **options)


def get(url, **options):
    return request("GET", url, **options)


def options(url, **options):
    return request("OPTIONS", url, **options)


def head(url, **options):
    return request("HEAD", url, **options)


def post(url, **options):
    return request("POST", url, **options)


def put(url, **options):
    return request("PUT", url, **options)


def patch(url, **options):
    return request("PATCH", url, **options)


def delete(url, **options):
    return request("DELETE", url, **options)
