"""Answers of calls that do nothing here.

On the platform some of them are awaited and some are not, and abilities are not
agreed on which; so each answer can be used as it is, and can be awaited.
"""


class _Awaitable:
    def __await__(self):
        return self
        yield  # Makes this a generator, as awaiting asks for.


class Nothing(_Awaitable):
    """Stands for `None`."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "None"


class Data(_Awaitable, bytes):
    """Bytes that can be awaited."""


class Messages(_Awaitable, list):
    """A list that can be awaited."""


class Number(_Awaitable, float):
    """A number that can be awaited."""


class NotProvided(NotImplementedError, AttributeError):
    """The platform may have this; there is nothing like it in the sandbox.

    It is an `AttributeError` as well, so that `hasattr` answers no.
    """


def not_provided(owner: str, name: str) -> NotProvided:
    """The error for a name that the facade does not have."""
    return NotProvided(
        f"{owner}.{name} is not available in the sandbox; sdk/python/facade/README.md lists what is"
    )
