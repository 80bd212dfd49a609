"""Time zones for `zoneinfo`, which looks for files that the sandbox does not have.

If the package `tzdata` is bundled, its zones are kept with the component; UTC is there
in any case.
"""

import io
import zoneinfo
from importlib import resources

#: A whole zone file for UTC: no transitions, one type with offset 0.
_UTC = (
    b"TZif2" + bytes(15) + (b"\0\0\0\0" * 4 + b"\0\0\0\1" + b"\0\0\0\4") + bytes(6) + b"UTC\0"
    + b"TZif2" + bytes(15) + (b"\0\0\0\0" * 4 + b"\0\0\0\1" + b"\0\0\0\4") + bytes(6) + b"UTC\0"
    + b"\nUTC0\n"
)


def keep() -> None:
    """Reads the zones while the component is built, and has `zoneinfo` find them."""
    always = {"UTC": _UTC, "Etc/UTC": _UTC, "GMT": _UTC}
    zones = dict(always)
    try:
        root = resources.files("tzdata").joinpath("zoneinfo")
        names = root.parent.joinpath("zones").read_text().split()
        zones |= {name: root.joinpath(*name.split("/")).read_bytes() for name in names}
    except ModuleNotFoundError:
        pass

    def load(key: str) -> io.BytesIO:
        try:
            return io.BytesIO(zones[key])
        except KeyError:
            hint = "" if zones != always else "; for others than UTC, name tzdata in requirements.txt"
            raise zoneinfo.ZoneInfoNotFoundError(
                f"No time zone found with key {key}{hint}"
            ) from None

    zoneinfo._common.load_tzdata = load
