"""Sessions without a network."""

from requests.exceptions import ConnectionError
from requests.models import Request


class Session:
    """Keeps what it is given, and sends nothing."""

    def __init__(self):
        self.headers = {}
        self.auth = None
        self.params = {}
        self.cookies = {}
        self.proxies = {}
        self.verify = True
        self.adapters = {}

    def request(self, method, url, *_, **__):
        request = Request(str(method).upper(), url)
        raise ConnectionError(
            f"{request.method} {url}: the sandbox grants no network; nothing was sent",
            request=request,
        )

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)

    def head(self, url, **options):
        return self.request("HEAD", url, **options)

    def post(self, url, data=None, json=None, **options):
        return self.request("POST", url, **options)

    def put(self, url, data=None, **options):
        return self.request("PUT", url, **options)

    def patch(self, url, data=None, **options):
        return self.request("PATCH", url, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def send(self, request, **options):
        return self.request(request.method, request.url)

    def mount(self, prefix, adapter):
        self.adapters[prefix] = adapter

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def session():
    return Session()
