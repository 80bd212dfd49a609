"""Requests, responses and settings. Nothing here ever makes a response: the class is
for annotations and `isinstance`."""

from http import HTTPStatus as codes

Headers = dict
QueryParams = dict
URL = str


class _Kept:
    """Takes any arguments and keeps the named ones."""

    def __init__(self, *_, **options):
        self.__dict__.update(options)


class Timeout(_Kept):
    pass


class Limits(_Kept):
    pass


class BasicAuth(_Kept):
    pass


class HTTPTransport(_Kept):
    pass


class AsyncHTTPTransport(_Kept):
    pass


class Request:
    def __init__(self, method, url, **_):
        self.method = method
        self.url = url


class Response:
    status_code = 0
    text = ""
    content = b""
    is_success = False
