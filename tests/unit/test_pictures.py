"""Pictures become digits in MNIST's form; digits become text and PNG and come back."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from aecore.datasets import pictures
from aecore.errors import DataError, PictureError


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    places = np.arange(28)
    return float(image.sum(axis=1) @ places / image.sum()), float(image.sum(axis=0) @ places / image.sum())


def box_of(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def real_digits(count: int) -> np.ndarray:
    """The first MNIST test digits, (count, 28, 28) in [0, 1], read without the module under test."""
    file = Path(os.environ.get("AECORE_DATA", "/nowhere")) / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    if not file.is_file():
        pytest.skip("needs the MNIST files: set AECORE_DATA to a folder that holds MNIST/raw")
    return np.fromfile(file, np.uint8, count * 784, offset=16).reshape(count, 28, 28) / 255


class TestDigitFromInk:
    def test_known_by_hand(self) -> None:
        """A full 40x20 bar becomes 20x10; its centre, 9.5 and 4.5 in itself, goes to row and column 14."""
        ink = np.zeros((100, 100))
        ink[5:45, 70:90] = 1
        digit = pictures.digit_from_ink(ink)
        expected = np.zeros((28, 28), np.float32)
        expected[5:25, 10:20] = 1  # round(14 - 9.5) = 5, round(14 - 4.5) = 10
        np.testing.assert_array_equal(digit, expected)
        assert digit.dtype == np.float32

    def test_area_average_by_hand(self) -> None:
        np.testing.assert_allclose(pictures.area_average(np.array([[0.0, 1.0, 1.0]]), 1, 2), [[1 / 3, 1.0]])
        np.testing.assert_allclose(pictures.area_average(np.array([[0.0, 1.0]]), 2, 3), [[0, 0.5, 1], [0, 0.5, 1]])

    def test_mnist_digits_come_back_unchanged(self) -> None:
        """MNIST was made this way: most digits come back exactly, all of them almost."""
        digits = real_digits(500)
        error = np.array([np.abs(pictures.digit_from_ink(d) - d).mean() for d in digits])
        assert (error < 1e-6).mean() > 0.8
        assert error.mean() < 0.0005

    def test_mnist_digits_come_back_from_ten_times_their_size(self) -> None:
        digits = real_digits(50)
        error = [np.abs(pictures.digit_from_ink(np.kron(d, np.ones((10, 10)))) - d).mean() for d in digits]
        assert np.mean(error) < 0.0005

    @pytest.mark.parametrize("rows", [1, 3])
    def test_a_thin_line_stays_visible(self, rows: int) -> None:
        ink = np.zeros((280, 280))
        ink[100 : 100 + rows, 20:260] = 1
        digit = pictures.digit_from_ink(ink)
        assert box_of(digit) == (1, 20)
        assert digit.max() == 1

    def test_a_faint_diagonal_line_reaches_full_ink(self) -> None:
        digit = pictures.digit_from_ink(np.eye(280) * 0.4)
        assert digit.max() == 1
        assert (digit > 0.9).sum() >= 20

    def test_a_dot_stays_small(self) -> None:
        ink = np.zeros((280, 280))
        ink[200:220, 200:220] = 1
        assert box_of(pictures.digit_from_ink(ink)) == (6, 6)

    def test_one_pixel_alone(self) -> None:
        digit = pictures.digit_from_ink(np.ones((1, 1)))
        assert box_of(digit) == (20, 20)

    def test_ink_far_from_its_box_is_never_cut(self) -> None:
        """A heavy foot pulls the centre of mass down: the shift stops where the ink would leave the field."""
        ink = np.zeros((20, 20))
        ink[:, 10] = 0.05
        ink[18:, :] = 1
        digit = pictures.digit_from_ink(ink)
        assert digit.sum() == pytest.approx(ink.sum(), rel=1e-5)
        assert digit[0].any()

    @settings(max_examples=100, deadline=None)
    @given(hnp.arrays(np.float64, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.floats(0, 1)))
    def test_any_ink(self, ink: np.ndarray) -> None:
        if ink.max() < pictures.FAINTEST:
            with pytest.raises(PictureError, match="nothing is drawn"):
                pictures.digit_from_ink(ink)
            return
        digit = pictures.digit_from_ink(ink)
        assert digit.shape == (28, 28)
        assert digit.min() >= 0
        assert digit.max() == 1
        assert max(box_of(digit)) <= 20
        rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
        cy, cx = centre_of_mass(digit)
        assert abs(cy - 14) <= 0.5001 or rows[0] == 0 or rows[-1] == 27
        assert abs(cx - 14) <= 0.5001 or columns[0] == 0 or columns[-1] == 27

    @pytest.mark.parametrize(
        ("ink", "words"),
        [
            (np.zeros((28, 28)), "nothing is drawn"),
            (np.full((28, 28), 0.01), "nothing is drawn"),
            (np.full((28, 28), 255), "divide"),
            (np.full((28, 28), np.nan), r"\[0, 1\]"),
            (np.full((28, 28), -1.0), r"\[0, 1\]"),
            (np.ones((28, 28, 3)), "shape"),
            (np.ones((0, 28)), "shape"),
            (np.full((2, 2), "ink"), "numbers"),
        ],
    )
    def test_what_is_no_ink_is_refused(self, ink: np.ndarray, words: str) -> None:
        with pytest.raises(PictureError, match=words):
            pictures.digit_from_ink(ink)


def file_of(picture: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(file, kind, **options)
    return file.getvalue()


def handwritten(width: int = 60, pen: int = 5) -> np.ndarray:
    """A hand-drawn 5, (80 * k, 60 * k) in [0, 1], 1 = ink."""
    canvas = Image.new("L", (width, width * 4 // 3))
    bow = [(0.33 + 0.27 * np.sin(np.pi * a), 0.45 + 0.3 * a) for a in np.linspace(0, 1, 50)]
    places = [(x * width, y * width * 4 / 3) for x, y in [(0.6, 0.2), (0.35, 0.2), (0.33, 0.45), *bow]]
    ImageDraw.Draw(canvas).line(places, fill=255, width=pen, joint="curve")
    return np.asarray(canvas) / 255


FIVE = handwritten(600, 50)  # with a pen as wide as MNIST's
DIGIT = pictures.digit_from_ink(FIVE)
Y, X = np.mgrid[: FIVE.shape[0], : FIVE.shape[1]] / max(FIVE.shape)
GRAIN = np.random.default_rng(0).normal(0, 1, FIVE.shape)


def grey(values: np.ndarray) -> np.ndarray:
    return (np.clip(values, 0, 1) * 255).round().astype(np.uint8)


def painted(colour: tuple[int, int, int]) -> np.ndarray:
    """The five in a colour on nothing, (h, w, 4) bytes."""
    return np.dstack([np.full(FIVE.shape, level, np.uint8) for level in colour] + [grey(FIVE)])


def rounded_page() -> np.ndarray:
    """The five on a white page with transparent corners, as a screenshot has them."""
    page = Image.new("L", FIVE.shape[::-1])
    ImageDraw.Draw(page).rounded_rectangle((0, 0, FIVE.shape[1] - 1, FIVE.shape[0] - 1), 90, fill=255)
    return np.dstack([grey(1 - FIVE)] * 3 + [np.asarray(page)])


def on_a_table() -> np.ndarray:
    scene = np.pad(0.85 - 0.6 * FIVE, 60, constant_values=0.25)
    return grey(scene + np.random.default_rng(1).normal(0, 0.02, scene.shape))


def turned() -> bytes:
    """The five on its side, with the EXIF tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return file_of(Image.fromarray(grey(1 - FIVE)).rotate(90, expand=True), "JPEG", exif=exif)


UPLOADS = {
    "dark on light": lambda: file_of(grey(1 - FIVE)),
    "light on dark": lambda: file_of(grey(FIVE)),
    "JPEG": lambda: file_of(grey(1 - FIVE), "JPEG", quality=60),
    "WebP": lambda: file_of(grey(1 - FIVE), "WEBP"),
    "16 bits": lambda: file_of((60000 * FIVE).astype(np.uint16)),
    "16 bits, dim": lambda: file_of((300 + 40 * FIVE).astype(np.uint16)),
    "1 bit": lambda: file_of(Image.fromarray(grey(1 - FIVE)).convert("1")),
    "palette": lambda: file_of(Image.fromarray(grey(1 - FIVE)).convert("P")),
    "palette, transparent": lambda: file_of(Image.fromarray(grey(FIVE)).convert("1").convert("P"), transparency=0),
    "grey, transparent": lambda: file_of(np.dstack([grey(FIVE), grey(FIVE)])),
    "CMYK": lambda: file_of(Image.fromarray(grey(1 - FIVE)).convert("CMYK"), "JPEG"),
    "black on nothing": lambda: file_of(painted((0, 0, 0))),
    "white on nothing": lambda: file_of(painted((255, 255, 255))),
    "blue on nothing": lambda: file_of(painted((30, 60, 200))),
    "yellow on nothing": lambda: file_of(painted((250, 240, 60))),
    "white on nothing, WebP": lambda: file_of(painted((255, 255, 255)), "WEBP"),
    "page with transparent corners": lambda: file_of(rounded_page()),
    "turned, with a tag": turned,
    "two frames, as phones write": lambda: file_of(
        grey(1 - FIVE), "MPO", save_all=True, append_images=[Image.new("L", (60, 80))]
    ),
    "uneven light and grain": lambda: file_of(
        grey((0.45 + 0.45 * X) * (1 - 0.3 * Y) * (1 - 0.7 * FIVE) + 0.03 * GRAIN), "JPEG", quality=60
    ),
    "a shadow with an edge": lambda: file_of(
        grey((0.8 - 0.45 / (1 + np.exp((0.5 - X) * 100))) * (1 - 0.6 * FIVE) + 0.01 * GRAIN), "JPEG"
    ),
    "pencil": lambda: file_of(grey(0.8 - 0.15 * FIVE + 0.015 * GRAIN), "JPEG"),
    "squared paper": lambda: file_of(
        grey((0.9 - 0.15 * ((X * 800 % 50 < 2) | (Y * 800 % 50 < 2))) * (1 - 0.75 * FIVE))
    ),
    "paper on a table": lambda: file_of(on_a_table(), "JPEG"),
    "small on a large sheet": lambda: file_of(np.pad(grey(1 - FIVE[::4, ::4]), 700, constant_values=255)),
    "thin pen": lambda: file_of(grey(1 - handwritten(1500, 14))),
}


class TestDigitFromPicture:
    @pytest.mark.parametrize("name", UPLOADS)
    def test_every_way_of_bringing_the_same_digit(self, name: str) -> None:
        digit = pictures.digit_from_picture(UPLOADS[name]())
        assert digit.shape == (28, 28)
        assert digit.dtype == np.float32
        assert (digit.min(), digit.max()) == (0, 1)
        error = np.abs(digit - DIGIT).mean()
        assert error < (0.06 if name in ("thin pen", "small on a large sheet") else 0.025), error
        assert np.corrcoef(digit.ravel(), DIGIT.ravel())[0, 1] > 0.85

    def test_mnist_digits_come_back(self) -> None:
        """As they are, on white paper, and enlarged; a rounded centre of mass may move one by a pixel."""
        same, alike = [], []
        for pixels in real_digits(60):
            for upload in (pixels, 1 - pixels, np.kron(pixels, np.ones((9, 9)))):
                digit = pictures.digit_from_picture(file_of(grey(upload)))
                same.append(np.abs(digit - pixels).mean())
                alike.append(np.corrcoef(digit.ravel(), pixels.ravel())[0, 1])
        assert np.median(same) < 0.005
        assert np.mean(same) < 0.012
        assert np.percentile(alike, 10) > 0.97

    def test_a_thin_pen_is_widened(self) -> None:
        hairline = np.full((400, 400), 255, np.uint8)
        hairline[40:360, 200:202] = 0
        digit = pictures.digit_from_picture(file_of(hairline))
        assert box_of(digit)[0] == 20
        assert 36 <= (digit > 0.5).sum() <= 60  # 2 or 3 columns wide

    def test_a_dot(self) -> None:
        sheet = np.full((400, 400), 255, np.uint8)
        sheet[195:205, 195:205] = 0
        assert pictures.digit_from_picture(file_of(sheet)).max() == 1

    @pytest.mark.parametrize(
        ("upload", "words"),
        [
            (b"", "empty"),
            (b"just text", "not a picture that can be read here.*PNG, JPEG or WebP"),
            (b"GIF89a" + bytes(50), "a GIF.*PNG, JPEG or WebP"),
            (b"<?xml version='1.0'?><svg></svg>", "an SVG"),
            (b"%PDF-1.7", "a PDF"),
            (b"\0\0\0\x18ftypheic" + bytes(50), "HEIC"),
            (b"\0\0\0\x18ftypavif" + bytes(50), "AVIF"),
            (file_of(grey(FIVE), "TIFF"), "a TIFF"),
            (file_of(grey(FIVE), "BMP"), "a BMP"),
            (file_of(grey(FIVE))[:-600], "broken"),
            (file_of(grey(FIVE), "JPEG")[:300], "broken"),
            (file_of(grey(FIVE), "WEBP")[:100], "broken"),
            (b"\x89PNG\r\n\x1a\n", "broken"),
            (bytes(5 * 2**20 + 1), "5 MB is the most"),
            (file_of(Image.new("1", (6000, 6000))), "30 million"),
            (file_of(Image.new("1", (10_000, 10_000))), "30 million"),
            (file_of(Image.new("1", (20_000, 20_000))), "30 million"),
            (file_of(Image.new("L", (1, 1))), "1 x 1 pixels, too small: at least 8 x 8"),
            (file_of(Image.new("L", (7, 100))), "too small"),
            (file_of(Image.new("L", (10, 300))), "too narrow"),
            (file_of(Image.new("L", (90, 90), 255)), "Nothing on this picture"),
            (file_of(Image.new("L", (90, 90), 0)), "Nothing on this picture"),
            (file_of(Image.new("RGBA", (90, 90))), "fully transparent"),
            (file_of(Image.new("RGBA", (90, 90), (0, 0, 0, 255))), "Nothing on this picture"),
            (file_of(Image.new("I;16", (90, 90), 700)), "Nothing on this picture"),
            (file_of(grey(0.8 + 0.02 * GRAIN)), "Nothing on this picture"),
            (file_of(grey(0.5 + 0.3 * X - 0.2 * Y)), "Nothing on this picture"),
            (file_of(grey(FIVE), save_all=True, append_images=[Image.new("L", (600, 800))]), "animated"),
            (file_of(grey(FIVE), "WEBP", save_all=True, append_images=[Image.new("RGB", (600, 800))]), "animated"),
        ],
    )
    @pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
    def test_a_sentence_for_what_is_refused(self, upload: bytes, words: str) -> None:
        with pytest.raises(PictureError, match=words) as caught:
            pictures.digit_from_picture(upload)
        assert str(caught.value).endswith((".", ". "))

    def test_not_bytes(self) -> None:
        with pytest.raises(PictureError, match="bytes of a file, got str"):
            pictures.digit_from_picture("five.png")  # type: ignore[arg-type]

    @settings(max_examples=100, deadline=None)
    @given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.data())
    @pytest.mark.filterwarnings("ignore")
    def test_damaged_files_never_raise_anything_else(self, kind: str, data: st.DataObject) -> None:
        upload = bytearray(file_of(grey(1 - handwritten()), kind))
        for _ in range(data.draw(st.integers(1, 6))):
            upload[data.draw(st.integers(0, len(upload) - 1))] = data.draw(st.integers(0, 255))
        try:
            digit = pictures.digit_from_picture(bytes(upload))
        except PictureError:
            return
        assert digit.shape == (28, 28)

    @settings(max_examples=60, deadline=None)
    @given(hnp.arrays(np.uint8, st.tuples(st.integers(8, 40), st.integers(8, 40), st.sampled_from([3, 4]))))
    def test_any_picture(self, pixels: np.ndarray) -> None:
        try:
            digit = pictures.digit_from_picture(file_of(pixels))
        except PictureError:
            return
        assert 0 <= digit.min() <= digit.max() == 1


class TestThumbnail:
    def test_the_middle_square(self) -> None:
        """Left third black, middle white, right black; the middle square is white, and white stays white."""
        strip = np.zeros((60, 180), np.uint8)
        strip[:, 60:120] = 255
        np.testing.assert_array_equal(pictures.thumbnail_from_picture(file_of(strip)), np.ones((28, 28)))

    def test_means_are_kept(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (56, 56)).astype(np.uint8)
        small = pictures.thumbnail_from_picture(file_of(pixels))
        np.testing.assert_allclose(small, pixels.reshape(28, 2, 28, 2).mean(axis=(1, 3)) / 255, atol=1e-6)

    def test_a_blank_picture_is_fine_and_a_broken_one_is_not(self) -> None:
        assert pictures.thumbnail_from_picture(file_of(Image.new("L", (50, 50), 255))).min() == 1
        with pytest.raises(PictureError, match="not a picture"):
            pictures.thumbnail_from_picture(b"nothing")


images = hnp.arrays(np.float64, (28, 28), elements=st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.47, 0.5, 1.0]))


class TestPackedDigits:
    @settings(max_examples=100, deadline=None)
    @given(images)
    def test_there_and_back(self, image: np.ndarray) -> None:
        text = pictures.pack_digit(image)
        digit = pictures.unpack_digit(text)
        assert digit.dtype == np.float32
        np.testing.assert_array_equal(digit, np.floor(image * 15 + 0.5).astype(np.float32) / np.float32(15))
        assert pictures.pack_digit(digit) == text
        assert len(text) <= 528
        assert text == text.encode("ascii", "strict").decode()

    def test_short(self) -> None:
        lengths = [len(pictures.pack_digit(digit)) for digit in real_digits(300)]
        assert np.mean(lengths) < 160
        assert max(lengths) < 240

    def test_the_format(self) -> None:
        """One pixel of level 15 at row 2, column 3: 00010 00011 00001 00001 0 000, then f0."""
        image = np.zeros((28, 28))
        image[2, 3] = 1
        expected = (0b00010_00011_00001_00001_0_000).to_bytes(3, "big") + b"\xf0"
        assert pictures.pack_digit(image) == "1" + base64.urlsafe_b64encode(expected).decode().rstrip("=")
        assert pictures.pack_digit(np.zeros((28, 28))) == "1AAAA"

    @settings(max_examples=100, deadline=None)
    @given(st.one_of(st.text(max_size=40), st.from_regex(r"1[A-Za-z0-9_-]{3,60}", fullmatch=True)))
    def test_any_text(self, text: str) -> None:
        try:
            digit = pictures.unpack_digit(text)
        except PictureError:
            return
        np.testing.assert_array_equal(pictures.unpack_digit(pictures.pack_digit(digit)), digit)

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def test_a_changed_text(self, data: st.DataObject) -> None:
        text = list(pictures.pack_digit(DIGIT))
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from("Aa0_-z="))
        text = text[: data.draw(st.integers(0, len(text)))]
        try:
            assert pictures.unpack_digit("".join(text)).shape == (28, 28)
        except PictureError:
            return

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1",
            "1AA",
            "1AAAAA",  # one character of the next three bytes alone
            "2AAAA",
            "1AAAA==",
            "1AAAA\n",
            "1AAAAAAAA",  # an empty box, and yet bytes
            "1____",  # a box outside the field
            "1AAB",
            "1" + "A" * 600,
            "1" + base64.urlsafe_b64encode((28 << 9 | 28 << 4 | 8).to_bytes(3, "big") + b"no").decode().rstrip("="),
            None,
            5,
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(PictureError, match="packed digit"):
            pictures.unpack_digit(text)

    @pytest.mark.parametrize("pixels", [bytes(783), bytes(785), bytes([16]) * 784, bytes(10**7)])
    def test_a_deflated_box_of_other_size_or_levels(self, pixels: bytes) -> None:
        """Also ten million zeros, which would be small in a link: only what fits is unpacked."""
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        content = (28 << 9 | 28 << 4 | 8).to_bytes(3, "big") + deflater.compress(pixels) + deflater.flush()
        text = "1" + base64.urlsafe_b64encode(content).decode().rstrip("=")
        with pytest.raises(PictureError, match="packed digit"):
            pictures.unpack_digit(text)

    @pytest.mark.parametrize(
        "image", [np.zeros((27, 28)), np.zeros(784), np.full((28, 28), 2), np.full((28, 28), np.nan)]
    )
    def test_what_is_no_digit_is_not_packed(self, image: np.ndarray) -> None:
        with pytest.raises(PictureError):
            pictures.pack_digit(image)


class TestPictureFromDigit:
    def test_pixels(self) -> None:
        for scale in (1, 3):
            with Image.open(io.BytesIO(pictures.picture_from_digit(DIGIT, scale))) as picture:
                assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (28 * scale, 28 * scale))
                np.testing.assert_array_equal(np.asarray(picture)[::scale, ::scale], np.rint(DIGIT * 255))
                np.testing.assert_array_equal(np.asarray(picture)[scale - 1 :: scale], np.asarray(picture)[::scale])

    @pytest.mark.parametrize("scale", [0, -1, 101, 1.5])
    def test_an_absurd_scale(self, scale: int) -> None:
        with pytest.raises(PictureError, match="scale must be"):
            pictures.picture_from_digit(DIGIT, scale)


class TestOutsiders:
    def test_what_they_are(self) -> None:
        found = pictures.outsiders()
        assert len(found) >= 12
        assert len({outsider.name for outsider in found}) == len({outsider.title for outsider in found}) == len(found)
        for outsider in found:
            assert outsider.image.shape == (28, 28)
            assert outsider.image.dtype == np.float32
            assert not outsider.image.flags.writeable
            assert 0 <= outsider.image.min() < 0.5 < outsider.image.max() <= 1
            assert outsider.name.replace("-", "").isalnum()
            assert outsider.credit.endswith(".")
        assert len({outsider.image.tobytes() for outsider in found}) == len(found)

    def test_always_the_same(self) -> None:
        again = pictures.outsiders.__wrapped__()
        for first, second in zip(pictures.outsiders(), again, strict=True):
            np.testing.assert_array_equal(first.image, second.image)

    def test_a_fresh_process_loads_neither_torch_nor_scikit_learn(self) -> None:
        code = (
            "import sys, time; from aecore.datasets.pictures import outsiders;"
            "start = time.process_time(); outsiders(); print(time.process_time() - start);"
            "print([name for name in ('torch', 'torchvision', 'sklearn', 'scipy') if name in sys.modules])"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, loaded = run.stdout.splitlines()
        assert loaded == "[]"
        assert float(seconds) < 0.3

    def test_a_missing_photograph_is_named(self) -> None:
        with pytest.raises(DataError, match=r"no-such\.jpg cannot be read"):
            pictures._photograph("no-such.jpg")
