"""Downloads: a file is whole and checked, or not there. A server on this machine plays the network."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aecore.datasets.download import cache_folder, download
from aecore.errors import ConfigError, DataError

CONTENT = bytes(range(256)) * 1000
MD5 = hashlib.md5(CONTENT).hexdigest()
PACKED = gzip.compress(CONTENT)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        body = {"/packed.gz": PACKED, "/other": b"<html>log in first</html>"}.get(self.path, CONTENT)
        self.send_response(200)
        if self.path != "/unsized":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000] if self.path == "/cut" else body)

    def log_message(self, *arguments: object) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_file_arrives_whole_with_progress(server: str, tmp_path: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    target = tmp_path / "new" / "folder" / "file"
    assert download([f"{server}/file"], target, md5=MD5, progress=lambda *step: steps.append(step)) == target
    assert target.read_bytes() == CONTENT
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert os.listdir(target.parent) == ["file"]


def test_a_server_that_does_not_say_how_much(server: str, tmp_path: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    download([f"{server}/unsized"], tmp_path / "file", md5=MD5, progress=lambda *step: steps.append(step))
    assert steps[-1] == (len(CONTENT), None)


def test_packed_files_are_unpacked(server: str, tmp_path: Path) -> None:
    md5 = hashlib.md5(PACKED).hexdigest()
    download([f"{server}/packed.gz"], tmp_path / "file", md5=md5, unpack=True)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("bad", ["missing", "other", "cut"])
def test_the_next_address_is_tried(server: str, tmp_path: Path, bad: str) -> None:
    download([f"{server}/{bad}", f"{server}/file"], tmp_path / "file", md5=MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(("bad", "reason"), [("missing", "404"), ("other", "md5"), ("cut", "md5")])
def test_a_bad_file_leaves_nothing_and_is_named(server: str, tmp_path: Path, bad: str, reason: str) -> None:
    with pytest.raises(DataError, match=f"file could not be downloaded.*{bad}.*{reason}"):
        download([f"{server}/{bad}"], tmp_path / "file", md5=MD5)
    assert os.listdir(tmp_path) == []


def test_a_good_file_is_kept_when_a_new_one_is_bad(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old and good")
    with pytest.raises(DataError):
        download([f"{server}/other"], tmp_path / "file", md5=MD5)
    assert (tmp_path / "file").read_bytes() == b"old and good"


def test_a_sha256_does_as_well(server: str, tmp_path: Path) -> None:
    right = hashlib.sha256(CONTENT).hexdigest()
    download([f"{server}/file"], tmp_path / "file", sha256=right)
    assert (tmp_path / "file").read_bytes() == CONTENT
    with pytest.raises(DataError, match=f"sha256 {right}, expected {'0' * 64}"):
        download([f"{server}/file"], tmp_path / "other", sha256="0" * 64)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("checksums", [{}, {"md5": MD5, "sha256": "0" * 64}])
def test_nothing_is_fetched_unchecked(tmp_path: Path, checksums: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="exactly one"):
        download(["http://127.0.0.1:1/file"], tmp_path / "file", **checksums)
    assert os.listdir(tmp_path) == []


def test_what_only_looks_like_gzip(server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="could not be written"):
        download([f"{server}/file"], tmp_path / "file", md5=MD5, unpack=True)
    assert os.listdir(tmp_path) == []


def test_an_error_of_the_progress_bar_stops_it(server: str, tmp_path: Path) -> None:
    def cancel(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download([f"{server}/file"], tmp_path / "file", md5=MD5, progress=cancel)
    assert os.listdir(tmp_path) == []


def test_a_silent_server_is_given_up_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(DataError, match="timed out"):
            download([f"http://127.0.0.1:{silent.getsockname()[1]}/file"], tmp_path / "file", md5=MD5, timeout=0.2)
        assert time.monotonic() - start < 2


def test_a_folder_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="could not be written"):
        download([f"{server}/file"], tmp_path / "file" / "inside", md5=MD5)


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AECORE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "aecore"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "aecore"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "aecore"
    monkeypatch.setenv("AECORE_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
