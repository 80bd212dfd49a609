"""`requests.codes.ok` and the like."""

from http import HTTPStatus


class _Codes:
    def __getattr__(self, name):
        try:
            return HTTPStatus[name.upper()].value
        except KeyError:
            raise AttributeError(f"no status code is called {name}") from None

    __getitem__ = __getattr__


codes = _Codes()
