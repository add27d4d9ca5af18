"""Measurements as files: one JSON file each, UTF-8, readable with any editor but for the latencies.

Latencies are kept to the nanosecond and are many, so they are packed: `count` says how many,
`int64_le_zlib_base64` holds them as 8-byte little-endian integers, compressed by zlib, in base64.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from labsupport.errors import LabError
from labsupport.measuring.arithmetic import Nanoseconds

__all__ = ["pack", "read", "read_only", "unpack", "write"]

FORMAT = "connection-pooling-lab measurement"
VERSION = 2
READABLE = (1, 2)
"""Version 1 lacks open loops, parts and time lines; the rest is the same."""

T = TypeVar("T")


def write(path: str | os.PathLike[str], kind: str, payload: Mapping[str, Any]) -> Path:
    """Write `payload` as a file of this `kind`, whole or not at all. Returns its path.

    Raises LabError when the file cannot be written.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    content = {"format": FORMAT, "version": VERSION, "kind": kind, **payload}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise LabError(
            f"The measurement cannot be saved as {target}: {error.strerror}. "
            "Choose a folder that exists and that you may write to."
        ) from error
    return target


def read(path: str | os.PathLike[str], kind: str, build: Callable[[Any], T]) -> T:
    """Read a file of this `kind` and `build` the result from its content.

    Files of version 1 are read as well: `build` gets them as they are, without what came later.

    Raises LabError for a file that is missing, broken, of another kind or of another version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["kind"] != kind:
            raise LabError(f"{path} is not a {kind} that the lab saved; choose another file.")
        if content["version"] not in READABLE:
            raise LabError(
                f"{path} has format version {content['version']} and this lab reads up to version "
                f"{VERSION}; open it with the lab that saved it, or measure again."
            )
        return build(content)
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
        zlib.error,
    ) as error:
        raise LabError(
            f"{path} is broken or is no measurement of this lab; measure again, or choose "
            "another file."
        ) from error


def read_only(nanoseconds: Any) -> Nanoseconds:
    """Some integers as an array that nobody can change by mistake.

    An `array` is not copied, so that a long run needs its memory once; it cannot grow afterwards.
    """
    frozen = np.asarray(nanoseconds, dtype=np.int64).view()
    frozen.setflags(write=False)
    return frozen


def pack(latencies: Nanoseconds) -> dict[str, Any]:
    """Exact nanoseconds as the values that stand in a file."""
    raw = latencies.astype("<i8").tobytes()
    packed = base64.b64encode(zlib.compress(raw, 9)).decode("ascii")
    return {"count": len(latencies), "int64_le_zlib_base64": packed}


def unpack(packed: Mapping[str, Any]) -> Nanoseconds:
    """What `pack` packed. Raises ValueError when values are missing."""
    raw = zlib.decompress(base64.b64decode(packed["int64_le_zlib_base64"], validate=True))
    latencies = read_only(np.frombuffer(raw, dtype="<i8"))
    if len(latencies) != packed["count"]:
        raise ValueError("The number of latencies is not what the file says.")
    return latencies
