"""What the text of a `.json` file is: one document, several, or a damaged one.

Pure functions: nothing here touches storage.
"""

import enum
import json
import os
import re
from dataclasses import dataclass

from ability_storage._json import without_collection
from ability_storage._nesting import is_deeper
from ability_storage._text import MARK, is_utf_16


class Shape(enum.Enum):
    """What a text was found to be."""

    WHOLE = "one JSON document"
    BLANK = "empty"
    LINES = "one JSON document a line"
    CONCATENATED = "several JSON documents, one after the other"
    TORN = "JSON documents of which the last is cut off"
    DAMAGED = "a damaged JSON document"
    OTHER = "no JSON at all"
    DEEP = "nested too deeply to be looked at"


@dataclass(frozen=True)
class Finding:
    shape: Shape
    #: Of CONCATENATED and TORN: the text of the last whole document.
    last: str = ""


_DECODER = json.JSONDecoder()

#: How many characters of lines are parsed together, at least.
_BLOCK = 64 * 1024

#: How many objects and lists may be inside each other. In the sandbox, `json` ends the
#: program when it exhausts the stack: a file must not do that to an ability that only
#: asks whether it is there.
MAX_DEPTH = 500

#: Where one document ends and another begins. Within one document this is only found
#: in its texts, for there is a comma or a colon in between.
_BETWEEN = re.compile(rb"[}\]]\s*[{\[]")


def may_be_several(contents: bytes) -> bool:
    """Whether it is worth while to look for several documents. Much faster than to parse
    what is mostly one, at each read."""
    return _BETWEEN.search(contents) is not None


def is_whole(text: str) -> bool:
    """Whether the text is one JSON document."""
    if is_deeper(text, MAX_DEPTH):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def inspect(contents: bytes) -> Finding:
    """What the contents of a `.json` file are."""
    if is_utf_16(contents):
        # A person has saved it so; it is not for the facade to mend.
        return Finding(Shape.OTHER)
    try:
        text = contents.removeprefix(MARK).decode()
    except UnicodeDecodeError:
        return Finding(Shape.DAMAGED)
    if not text.strip():
        return Finding(Shape.BLANK)
    if is_deeper(text, MAX_DEPTH):
        return Finding(Shape.DEEP)
    if is_whole(text):
        return Finding(Shape.WHOLE)
    # A text that never was meant as JSON is the ability's own affair: a file that
    # a power cut leaves begins like JSON, or is full of zeros.
    if text.lstrip()[0] not in "{[" and "\0" not in text:
        return Finding(Shape.OTHER)
    if _is_lines(text):
        return Finding(Shape.LINES)
    return _inspect_sequence(text)


def _is_lines(text: str) -> bool:
    """Whether the text is a document a line, and more than one of them. Its depth must have
    been looked at. Many lines are parsed together, but never all: there may be millions."""
    # No text has this, so that it is only where a line ends.
    mark = os.urandom(12).hex()
    count = start = 0
    while start < len(text):
        end = text.find("\n", start + _BLOCK) + 1 or len(text)
        lines = [line for line in text[start:end].split("\n") if line and not line.isspace()]
        start = end
        count += len(lines)
        if not _is_each_a_document(lines, mark):
            return False
    return count > 1


def _is_each_a_document(lines: list[str], mark: str) -> bool:
    """Whether each line is one JSON document. All are items of one list for that, with the mark
    between them: no line has a part of the next one if every second item is the mark."""
    between = f',"{mark}",'
    try:
        with without_collection():
            items = json.loads(f"[{between.join(lines)}]")
    except (ValueError, RecursionError):
        return False
    marks = items[1::2]
    return len(items) == max(0, 2 * len(lines) - 1) and marks.count(mark) == len(marks)


def _inspect_sequence(text: str) -> Finding:
    """Looks at `{..}{..}`: only objects and lists count as documents there, because
    a number or a word may be a part of anything."""
    begin = end = 0
    with without_collection():
        while True:
            place = end
            while place < len(text) and text[place].isspace():
                place += 1
            if place == len(text):
                return Finding(Shape.CONCATENATED, text[begin:end])
            if text[place] not in "{[":
                return Finding(Shape.DAMAGED)
            try:
                _, after = _DECODER.scan_once(text, place)
            except (ValueError, RecursionError, StopIteration):
                return Finding(Shape.TORN, text[begin:end]) if end else Finding(Shape.DAMAGED)
            begin, end = place, after
