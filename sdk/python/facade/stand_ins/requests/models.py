"""Requests and responses. Nothing here ever makes a response: the class is for
annotations and `isinstance`."""


class Request:
    def __init__(self, method=None, url=None, **_):
        self.method = method
        self.url = url


class PreparedRequest(Request):
    pass


class Response:
    status_code = None
    text = ""
    content = b""
    url = None
    reason = None

    def __init__(self):
        self.headers = {}

    @property
    def ok(self):
        return False

    def __bool__(self):
        return self.ok
