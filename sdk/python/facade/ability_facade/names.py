"""Which file is meant, which names belong together, and which are the facade's own."""

import hashlib
import re
from typing import NamedTuple

#: Holds what the key-value calls keep.
KEY_VALUES = "ability-key-values.json"

#: Remembers which leftovers belong to files that were deleted on purpose.
LEFT_ALONE = "ability-left-alone.json"

_QUARANTINED = re.compile(r"\.quarantined-[0-9a-f]{16}\.json$")


class File(NamedTuple):
    """A file: its path, and which of the two places that belongs to."""

    path: str
    in_ability_directory: bool

    def __str__(self) -> str:
        return self.path

    @property
    def is_json(self) -> bool:
        return self.path.endswith(".json")

    def beside(self, path: str) -> "File":
        """Another file in the same place."""
        return self._replace(path=path)

    def with_contents(self, contents: bytes) -> tuple[str, bytes, bool]:
        """What the calls take that write a file."""
        return self.path, contents, self.in_ability_directory

    def leftovers(self) -> list["File"]:
        """Where abilities put what they are about to write, the likeliest first."""
        paths = [f"{self.path}.tmp", f"{self.path}.backup"]
        if self.is_json:
            paths.insert(0, self.path.removesuffix(".json") + "_tmp.json")
        return [self.beside(path) for path in paths]

    def quarantine(self, contents: bytes) -> "File":
        """Where a copy of damaged contents goes. The same contents have the same name,
        so that they are kept once, however often they are found. It ends in `.json`,
        which every host lets abilities write and none reads to its model."""
        digest = hashlib.sha256(contents).hexdigest()[:16]
        return self.beside(f"{self.path.removesuffix('.json')}.quarantined-{digest}.json")


def is_hidden(path: str) -> bool:
    """Whether the ability is not told of the file: it is the facade's, or a copy of
    what was damaged, over which a reader of all `.json` files would stumble."""
    return path in (KEY_VALUES, LEFT_ALONE) or bool(_QUARANTINED.search(path))
