"""Adapters, for `Session.mount`. They do nothing."""


class BaseAdapter:
    def __init__(self, *_, **__):
        pass


class HTTPAdapter(BaseAdapter):
    pass
