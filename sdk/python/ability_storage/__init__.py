"""Tear-free files for abilities: a file is whole and durable, or it was not written.

A kill, a power cut or a full disk never leaves it empty, half-written or missing.

>>> from ability_storage import sdk
>>> sdk.atomic_write_file("settings.json", '{"city":"Oslo"}')
>>> sdk.read_file("settings.json")
'{"city":"Oslo"}'
"""

from . import sdk

__all__ = ["sdk"]
