"""Fetches one file from the first of several addresses that gives it whole, and names the folder such files live in.

It knows nothing of what is in the file: the caller brings the checksum.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import os
import secrets
import shutil
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from aecore.errors import ConfigError, DataError

Progress = Callable[[int, int | None], None]  # (bytes so far, bytes in all or None where the server does not say)

TIMEOUT = 4.0  # seconds for connecting, and for each silence of the server
_CHUNK = 1 << 16  # bytes


def cache_folder() -> Path:
    """The folder for downloaded files: AECORE_CACHE, else XDG_CACHE_HOME/aecore, else ~/.cache/aecore.

    It is not made here, and need not exist.
    """
    own = os.environ.get("AECORE_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path in the variable is to be ignored.
    return (Path(shared) if os.path.isabs(shared) else Path(os.path.expanduser("~"), ".cache")) / "aecore"


def download(
    addresses: Sequence[str],
    target: str | Path,
    *,
    md5: str | None = None,
    sha256: str | None = None,
    unpack: bool = False,
    progress: Progress | None = None,
    timeout: float = TIMEOUT,
) -> Path:
    """Fetch a file, check it, and put it in its place in one step: half a file never stands at ``target``.

    Parameters
    ----------
    addresses : sequence of str
        URLs of the same file, tried in turn.
    target : path
        Where the file goes; its folder is made, and a file there is replaced.
    md5, sha256 : str
        Checksum of the bytes as they are sent, 32 or 64 hexadecimal digits: one of the two, whichever is published.
    unpack : bool
        Whether the bytes are gzip and ``target`` becomes what is inside.
    progress : callable, optional
        Called with (bytes so far, bytes in all or None) after each piece; it starts again with each address tried.
    timeout : float
        Seconds for connecting, and for each silence of the server.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    ConfigError
        Not exactly one checksum is given.
    DataError
        No address gave the file (each is named with its reason), or the file could not be written.
    """
    if (md5 is None) == (sha256 is None):
        raise ConfigError("download needs exactly one of md5 and sha256: what cannot be checked is not fetched")
    kind, expected = ("md5", md5) if md5 is not None else ("sha256", sha256)
    target = Path(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    refused = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for address in addresses:
            with open(part, "wb") as file:
                try:
                    got = _fetch(address, file, kind, progress, timeout)
                except (OSError, http.client.HTTPException) as error:  # URLError and time-outs are OSErrors
                    refused.append(f"{address}: {error or type(error).__name__}")
                    continue
            if got != expected:
                refused.append(f"{address}: not the expected file ({kind} {got}, expected {expected})")
                continue
            if unpack:
                _unpack(part)
            os.replace(part, target)
            return target
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{target} could not be written: {error}") from error
    finally:
        _remove(part)
    raise DataError(
        f"{target.name} could not be downloaded. " + "; ".join(refused) + f". Check the network, or put it at {target}"
    )


def _fetch(address: str, file: BinaryIO, kind: str, progress: Progress | None, timeout: float) -> str:
    """Write what the address gives to an open file; returns its checksum of that kind."""
    digest = hashlib.new(kind, usedforsecurity=False)
    request = urllib.request.Request(address, headers={"User-Agent": "aecore"})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        done = 0
        while piece := response.read(_CHUNK):
            file.write(piece)
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done, total)
    return digest.hexdigest()


def _unpack(part: Path) -> None:
    """Replace a gzip file by what is inside."""
    inside = part.with_suffix(".unpacked")
    try:
        with gzip.open(part) as packed, open(inside, "wb") as file:
            shutil.copyfileobj(packed, file)
        os.replace(inside, part)
    finally:
        _remove(inside)


def _remove(path: Path) -> None:
    """Delete a file where there is one; what cannot be deleted stays, the error in hand says more."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
