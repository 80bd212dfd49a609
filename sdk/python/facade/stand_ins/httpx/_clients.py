"""Clients without a network."""

from httpx._exceptions import ConnectError
from httpx._models import Request


def _refuse(method, url):
    request = Request(str(method).upper(), url)
    raise ConnectError(
        f"{request.method} {url}: the sandbox grants no network; nothing was sent",
        request=request,
    )


class _Settings:
    """What both kinds of client keep."""

    is_closed = False

    def __init__(self, *, headers=None, params=None, auth=None, base_url="", **_):
        self.headers = dict(headers or {})
        self.params = dict(params or {})
        self.cookies = {}
        self.auth = auth
        self.base_url = base_url

    def build_request(self, method, url, **_):
        return Request(method, url)


class _Stream:
    """`with client.stream(...)`: refused when it is entered."""

    def __init__(self, method, url):
        self._request = method, url

    def __enter__(self):
        _refuse(*self._request)

    def __exit__(self, *_):
        pass

    async def __aenter__(self):
        _refuse(*self._request)

    async def __aexit__(self, *_):
        pass


def stream(method, url, **_):
    return _Stream(method, url)


class Client(_Settings):
    def request(self, method, url, **_):
        _refuse(method, url)

    def send(self, request, **_):
        _refuse(request.method, request.url)

    def stream(self, method, url, **_):
        return _Stream(method, url)

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)

    def head(self, url, **options):
        return self.request("HEAD", url, **options)

    def post(self, url, **options):
        return self.request("POST", url, **options)

    def put(self, url, **options):
        return self.request("PUT", url, **options)

    def patch(self, url, **options):
        return self.request("PATCH", url, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def close(self):
        self.is_closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class AsyncClient(_Settings):
    async def request(self, method, url, **_):
        _refuse(method, url)

    async def send(self, request, **_):
        _refuse(request.method, request.url)

    def stream(self, method, url, **_):
        return _Stream(method, url)

    async def get(self, url, **options):
        return await self.request("GET", url, **options)

    async def options(self, url, **options):
        return await self.request("OPTIONS", url, **options)

    async def head(self, url, **options):
        return await self.request("HEAD", url, **options)

    async def post(self, url, **options):
        return await self.request("POST", url, **options)

    async def put(self, url, **options):
        return await self.request("PUT", url, **options)

    async def patch(self, url, **options):
        return await self.request("PATCH", url, **options)

    async def delete(self, url, **options):
        return await self.request("DELETE", url, **options)

    async def aclose(self):
        self.is_closed = True

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.aclose()
