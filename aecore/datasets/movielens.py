"""Reads any MovieLens release into a sparse matrix of stars, users x movies, and its titles as people say them.

It knows GroupLens's file formats and where the releases are fetched from; it knows nothing of models. Reading loads
no torch.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
import scipy.sparse as sp

from aecore.datasets.download import Progress, cache_folder
from aecore.datasets.download import download as fetch
from aecore.errors import DataError


@dataclass(frozen=True)
class Movie:
    """One movie, as a release names it and as people say it.

    Attributes
    ----------
    id : int
        MovieLens's number; the same in all CSV releases, another in the 100K and 1M ones.
    stored : str
        The title as the release has it: "Matrix, The (1999)".
    title : str
        The title as people say it: "The Matrix".
    year : int or None
        Year of release, of a series its first; None where the title names none.
    genres : tuple of str
        In the release's order; empty where it lists none.
    """

    id: int
    stored: str
    title: str
    year: int | None
    genres: tuple[str, ...]

    @property
    def label(self) -> str:
        """Title and year for people: "The Matrix (1999)"."""
        return self.title if self.year is None else f"{self.title} ({self.year})"

    @property
    def other_titles(self) -> tuple[str, ...]:
        """Further titles that the release gives in parentheses: ("La Haine",) of "Hate (Haine, La) (1995)"."""
        return other_titles(self.stored)


@dataclass(frozen=True, eq=False)
class Ratings:
    """Who gave which movie how many stars. The arrays may be shared: do not change them.

    Attributes
    ----------
    matrix : scipy.sparse.csr_array (users, movies) float32
        Stars from 0.5 to 5. Only given ratings are stored: an entry that is not there is unknown, not zero. Columns
        ascend within each row, without duplicates.
    users : ndarray (users,) int64
        MovieLens's user numbers, ascending: one a row.
    movies : tuple of Movie
        By ascending id: one a column. Only movies with at least one rating.
    release : str
        Name of the release: "ml-latest-small".

    Raises
    ------
    DataError
        Shapes or types are not as above.
    """

    matrix: sp.csr_array
    users: np.ndarray
    movies: tuple[Movie, ...]
    release: str

    def __post_init__(self) -> None:
        shape = (len(self.users), len(self.movies))
        if not isinstance(self.matrix, sp.csr_array) or self.matrix.shape != shape:
            got = f"{type(self.matrix).__name__} of shape {getattr(self.matrix, 'shape', '?')}"
            raise DataError(
                f"matrix must be a csr_array of shape {shape}, one row a user, one column a movie; got {got}"
            )
        if self.matrix.dtype != np.float32:
            raise DataError(f"stars must be float32, got {self.matrix.dtype}")

    def __len__(self) -> int:
        """Number of ratings."""
        return int(self.matrix.nnz)

    @property
    def support(self) -> np.ndarray:
        """Number of ratings of each movie, (movies,) int64."""
        return np.bincount(self.matrix.indices, minlength=self.matrix.shape[1]).astype(np.int64)


# ---------------------------------------------------------------------------------------------------------------------
# Titles
# ---------------------------------------------------------------------------------------------------------------------

# (1999), (1975-1979), (2006–2007), (2009– ); sometimes a parenthesis too many, or a note how it was shown: (1995) (V).
_YEAR = re.compile(r"\s*\(\s*((?:18|19|20)\d\d)(?:\s*[-–—/]\s*(?:\d{4}|\d\d)?)?\s*\)+(?:\s*\((?:V|TV|VG|mini)\))?\s*$")
_ARTICLES = (
    *("The", "A", "An"),
    *("La", "Le", "Les", "L'", "L’", "Un", "Une"),  # French
    *("Il", "Lo", "I", "Gli", "Una", "Uno"),  # Italian
    *("El", "Los", "Las"),  # Spanish
    *("Der", "Die", "Das", "Ein", "Eine"),  # German
    *("De", "Het", "Een"),  # Dutch
    *("Det", "Den", "En", "Et", "Ett"),  # Danish, Norwegian, Swedish
    *("O", "Os", "As", "Um", "Uma"),  # Portuguese
    "Da",  # of "Hip Hop Witch, Da"
)
_ARTICLE_LAST = re.compile(rf"^(.+?),\s+({'|'.join(_ARTICLES)}|the|an?)$", re.DOTALL)
_ALSO_KNOWN = re.compile(r"^(?:a\.?k\.?a\.?|also known as)[\s:]+", re.IGNORECASE)
# Parentheses that belong to the title: the part of a whole, and the rest of "Birdman: Or (The Unexpected Virtue ...)".
_PART = re.compile(r"(?:part|parts|vol\.?|volume|episode|season|series|chapter|disc)\s", re.IGNORECASE)
_UNFINISHED = re.compile(r"(?:\b(?:or|and|of)|[&:-])$", re.IGNORECASE)


def parse_title(stored: str) -> tuple[str, int | None]:
    """The title as people say it, and the year.

    The year in the last parentheses is taken off (the first one of "(1975-1979)"), further titles in parentheses too
    (:func:`other_titles` has them), and an article behind a comma comes to the front, English or not.

    Parameters
    ----------
    stored : str
        A title as MovieLens has it.

    Returns
    -------
    title : str
        Never empty where ``stored`` is not.
    year : int or None
        None where the title names none.

    Examples
    --------
    >>> parse_title("Matrix, The (1999)")
    ('The Matrix', 1999)
    >>> parse_title("City of Lost Children, The (Cité des enfants perdus, La) (1995)")
    ('The City of Lost Children', 1995)
    >>> parse_title("Fawlty Towers (1975-1979)")
    ('Fawlty Towers', 1975)
    >>> parse_title("Babylon 5")
    ('Babylon 5', None)
    """
    title, _, year = _parts(stored)
    return title, year


def other_titles(stored: str) -> tuple[str, ...]:
    """The further titles that a stored title gives in parentheses, as people say them.

    Examples
    --------
    >>> other_titles("Seven (a.k.a. Se7en) (1995)")
    ('Se7en',)
    >>> other_titles("City of Lost Children, The (Cité des enfants perdus, La) (1995)")
    ('La Cité des enfants perdus',)
    """
    return _parts(stored)[1]


def _parts(stored: str) -> tuple[str, tuple[str, ...], int | None]:
    """Title, further titles, year."""
    rest, year = " ".join(stored.split()), None
    found = _YEAR.search(rest)
    if found and found.start():  # a title that is nothing but a year in parentheses stays one
        rest, year = rest[: found.start()], int(found.group(1))
    others: list[str] = []
    while (split := _last_parentheses(rest)) is not None:
        before, inside = split
        if _PART.match(inside) or _UNFINISHED.search(before):
            break
        rest = before
        name = _article_first(_ALSO_KNOWN.sub("", inside))
        if name:
            others.insert(0, name)
    title = _article_first(rest)
    return title, tuple(dict.fromkeys(other for other in others if other != title)), year


def _last_parentheses(text: str) -> tuple[str, str] | None:
    """("Hate", "Haine, La") of "Hate (Haine, La)"; None where no parentheses of their own close the text."""
    if not text.endswith(")"):
        return None
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += (text[place] == ")") - (text[place] == "(")
        if depth == 0:
            before = text[:place]
            # Not Frontière(s), and not a title that is all parentheses.
            return (before.rstrip(), text[place + 1 : -1].strip()) if before.strip() and before[-1] == " " else None
    return None


def _article_first(name: str) -> str:
    """Bring the article to the front: "The Matrix" of "Matrix, The"."""
    name = name.strip()
    found = _ARTICLE_LAST.match(name)
    if not found:
        return name
    rest, article = found.group(1).strip(), found.group(2)
    if article in ("the", "a", "an"):
        article = article.capitalize()
    return article + rest if article[-1] in "'’" else f"{article} {rest}"


# ---------------------------------------------------------------------------------------------------------------------
# Releases
# ---------------------------------------------------------------------------------------------------------------------

_ADDRESS = "https://files.grouplens.org/datasets/movielens/"


@dataclass(frozen=True)
class _Format:
    """How a family of releases lays its two files out."""

    ratings: str
    movies: str
    separator: bytes  # between the fields of a rating
    header: bool  # whether the first line of the ratings names the fields


_FORMATS = (
    _Format("ratings.csv", "movies.csv", b",", header=True),  # ml-latest-small, ml-latest, ml-20m, ml-25m, ml-32m
    _Format("ratings.dat", "movies.dat", b"::", header=False),  # ml-1m, ml-10m
    _Format("u.data", "u.item", b"\t", header=False),  # ml-100k
)


@dataclass(frozen=True)
class _Archive:
    """A release as GroupLens packs it, and the checksum that is published for it."""

    megabytes: int
    md5: str | None = None
    sha256: str | None = None


# The md5s are GroupLens's own; for ml-latest-small it gives none, its sha256 is the one TensorFlow Datasets publishes.
# ml-latest, which changes, cannot be checked: it is read where someone has put it, and never downloaded.
_ARCHIVES = {
    "ml-latest-small": _Archive(1, sha256="696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436"),
    "ml-100k": _Archive(5, md5="0e33842e24a9c977be4e0107933c0723"),
    "ml-1m": _Archive(6, md5="c4d9eecfca2ab87c1945afe126590906"),
    "ml-10m": _Archive(66, md5="ce571fd55effeba0271552578f2648bd"),
    "ml-20m": _Archive(199, md5="cd245b17a1ae2cc31bb14903e1204af3"),
    "ml-25m": _Archive(262, md5="6b51fb2759a8657d3bfcbfc42b592ada"),
    "ml-32m": _Archive(239, md5="d472be332d4daa821edc399621853b57"),
}
_FOLDERS = {"ml-10m": "ml-10M100K"}  # a folder inside the archive that is not named as the release


def load_ratings(
    data_dir: str | Path | None = None,
    *,
    release: str = "ml-latest-small",
    download: bool = True,
    progress: Progress | None = None,
) -> Ratings:
    """Load a MovieLens release.

    Without ``data_dir`` the release is looked for in the folder AECORE_DATA names, then in the user's cache
    (:func:`aecore.datasets.download.cache_folder`), where it is also downloaded to.

    Parameters
    ----------
    data_dir : path, optional
        A folder that holds the release's folder, or its two files. If given, no other folder is used.
    release : str
        Name of the release: "ml-latest-small", "ml-100k", "ml-1m", "ml-10m", "ml-20m", "ml-25m" or "ml-32m". Any other
        folder in one of their forms can be read under its own name.
    download : bool
        Whether a missing release may be downloaded.
    progress : callable, optional
        Called with (bytes so far, bytes in all or None) while downloading.

    Returns
    -------
    Ratings
        Where a user rated a movie twice, the later rating counts (of two at the same second the one further down).
        Its ``release`` is the name of the folder where that is a release's own name.

    Raises
    ------
    DataError
        The release is not there and cannot be had, or a row is malformed: file and line are named.

    Source
    ------
    F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on
    Interactive Intelligent Systems 5, 4: 19:1-19:19. https://doi.org/10.1145/2827872. For research; no commercial use
    without permission: see each release's README.
    """
    folder, layout = _find(release, data_dir, download, progress)
    name = next((name for name in _ARCHIVES if folder.name in (name, _FOLDERS.get(name))), release)
    movies = _read_movies(folder / layout.movies)
    users, ids, stars, seconds = _read_ratings(folder / layout.ratings, layout)
    return _collect(folder, layout, name, movies, users, ids, stars, seconds)


def _find(
    release: str, data_dir: str | Path | None, may_download: bool, progress: Progress | None
) -> tuple[Path, _Format]:
    """The folder that holds the release, and its form; it is downloaded where need be and allowed."""
    if not re.fullmatch(r"\w[\w.-]*", release):
        raise DataError(f"a release is the name of a folder, such as 'ml-latest-small'; got {release!r}")
    if data_dir is not None:
        roots = [Path(data_dir)]
    else:
        own = os.environ.get("AECORE_DATA")
        roots = ([Path(own)] if own else []) + [cache_folder()]
    names = [release, _FOLDERS.get(release, release)]
    for root in roots:
        for folder in (*(root / name for name in names), root):
            if (layout := _format_of(folder)) is not None:
                return folder, layout
    looked = " or ".join(str(root / release) for root in roots)
    wanted = f"MovieLens's {release} is not in {looked} (expected {' or '.join(f.ratings for f in _FORMATS)})"
    cure = f"get it from https://grouplens.org/datasets/movielens/ and unpack it at {roots[-1] / release}"
    if release not in _ARCHIVES:
        raise DataError(f"{wanted}, and only {', '.join(_ARCHIVES)} can be downloaded: {cure}")
    if not may_download:
        raise DataError(f"{wanted}. Allow the download of {_ARCHIVES[release].megabytes} MB, or {cure}")
    try:
        layout = _download(release, roots[-1], progress)
    except DataError as error:
        raise DataError(f"{wanted}, and {error}") from error
    return roots[-1] / release, layout


def _format_of(folder: Path) -> _Format | None:
    """The form whose two files are both in the folder."""
    for layout in _FORMATS:
        if (folder / layout.ratings).is_file() and (folder / layout.movies).is_file():
            return layout
    return None


def _download(release: str, root: Path, progress: Progress | None) -> _Format:
    """Fetch the release and unpack its two files and its README, which holds the licence, into root/release."""
    archive = _ARCHIVES[release]
    packed = root / f"{release}.{secrets.token_hex(6)}.zip"
    try:
        fetch([f"{_ADDRESS}{release}.zip"], packed, md5=archive.md5, sha256=archive.sha256, progress=progress)
        with zipfile.ZipFile(packed) as file:
            inside = {PurePosixPath(name).name: name for name in file.namelist() if not name.endswith("/")}
            for layout in _FORMATS:
                if layout.ratings in inside and layout.movies in inside:
                    break
            else:
                raise DataError(f"{_ADDRESS}{release}.zip holds no ratings in a form that is known here")
            # The ratings last: a folder that holds them is whole.
            for name in (*(name for name in inside if name.startswith("README")), layout.movies, layout.ratings):
                with file.open(inside[name]) as source:
                    _put(source, root / release / name)
            return layout
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{root / release} could not be written: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            packed.unlink(missing_ok=True)


def _put(source: IO[bytes], target: Path) -> None:
    """Write a file to its place in one step: half a file never stands there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        with open(part, "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------------------

_CHUNK = 1 << 25  # bytes of ratings read at a time
_FIELDS = ("userId", "movieId", "rating", "timestamp")
_GENRES_100K = (  # the flags of u.item, in their order
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
_NO_GENRE = {"", "(no genres listed)", "unknown"}
_OLD_NAMES = {"Children's": "Children"}  # as the releases since 10M call it


def _read_movies(path: Path) -> dict[int, Movie]:
    """Every movie that the release names, by its number."""
    content = _content(path).removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        if path.suffix == ".csv":
            number = content.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{path}, line {number}: not UTF-8, as MovieLens's CSV files are: {error.reason}"
            ) from error
        text = content.decode("latin-1")  # ml-100k and ml-1m
    read = {".csv": _movie_from_csv, ".dat": _movie_from_dat, ".item": _movie_from_item}[path.suffix]
    lines = text.split("\n")  # not splitlines, which cuts at more than line ends
    movies: dict[int, Movie] = {}
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r")
        if not line.strip() or (number == 1 and path.suffix == ".csv" and _is_header(line, "movieId")):
            continue
        try:
            movie = read(line)
        except (ValueError, csv.Error) as error:
            raise DataError(f"{path}, line {number}: {error}; got {_shortened(line)}") from error
        if movie.id in movies:
            raise DataError(f"{path}, line {number}: movie {movie.id} is named a second time; got {_shortened(line)}")
        movies[movie.id] = movie
    return movies


def _movie_from_csv(line: str) -> Movie:
    """Movie of `1,"Matrix, The (1999)",Action|Sci-Fi`."""
    fields = next(csv.reader([line], strict=True))
    if len(fields) != 3:
        raise ValueError(f"expected movieId,title,genres, found {len(fields)} fields")
    return _movie(fields[0], fields[1], fields[2].split("|"))


def _movie_from_dat(line: str) -> Movie:
    """Movie of `1::Toy Story (1995)::Animation|Children's|Comedy`."""
    fields = line.split("::")
    if len(fields) < 3:
        raise ValueError(f"expected MovieID::Title::Genres, found {len(fields)} fields")
    return _movie(fields[0], "::".join(fields[1:-1]), fields[-1].split("|"))


def _movie_from_item(line: str) -> Movie:
    """Movie of `1|Toy Story (1995)|01-Jan-1995||http://...|0|0|0|1|1|...`."""
    fields = line.split("|")
    if len(fields) != 5 + len(_GENRES_100K):
        raise ValueError(f"expected {5 + len(_GENRES_100K)} fields between |, found {len(fields)}")
    if not set(fields[5:]) <= {"0", "1"}:
        raise ValueError("the genre flags must be 0 or 1")
    return _movie(fields[0], fields[1], [g for g, flag in zip(_GENRES_100K, fields[5:], strict=True) if flag == "1"])


def _movie(number: str, stored: str, genres: Sequence[str]) -> Movie:
    if not re.fullmatch(r"\d{1,18}", number.strip(), re.ASCII):
        raise ValueError(f"the movie's number must be a whole number, not {number!r}")
    if not stored.strip():
        raise ValueError("the title is empty")
    title, year = parse_title(stored)
    kept = (_OLD_NAMES.get(genre.strip(), genre.strip()) for genre in genres)
    return Movie(int(number), stored, title, year, tuple(genre for genre in kept if genre not in _NO_GENRE))


def _read_ratings(path: Path, layout: _Format) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """User numbers, movie numbers, stars (float32), seconds since 1970: one entry a rating, in the file's order."""
    parts = []
    for first_line, chunk in _chunks(path, layout):
        try:
            parts.append(_parse(chunk, layout.separator))
        except (ValueError, OverflowError) as error:  # pandas's ParserError is a ValueError
            _raise_malformed(path, first_line, chunk, layout.separator)
            raise DataError(f"{path} cannot be read: {error}") from error
    if not parts or not sum(len(part[0]) for part in parts):
        raise DataError(f"{path} holds no rating")
    users, ids, stars, seconds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return users, ids, stars, seconds


def _chunks(path: Path, layout: _Format) -> Iterator[tuple[int, bytes]]:
    """Whole lines of the file, some megabytes at a time, each with the number of its first line; no header."""
    try:
        with open(path, "rb") as file:
            line = 1
            if layout.header:
                header = file.readline().removeprefix(b"\xef\xbb\xbf").decode("latin-1")
                if not _is_header(header, *_FIELDS):
                    raise DataError(f"{path}, line 1: the header must be {','.join(_FIELDS)}; got {_shortened(header)}")
                line += 1
            while chunk := file.read(_CHUNK):
                chunk += file.readline()
                yield line, chunk
                line += chunk.count(b"\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _parse(chunk: bytes, separator: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Four columns of whole lines. ValueError where anything is not as it should be."""
    import pandas as pd  # half a second, which a page that only needs a Movie is not to wait for

    if separator != b",":  # one character, which pandas's fast reader can do
        if b"," in chunk:
            raise ValueError("a comma")
        chunk = chunk.replace(separator, b",")
    frame = pd.read_csv(
        io.BytesIO(chunk),
        header=None,
        names=list(_FIELDS),
        dtype={"userId": np.int64, "movieId": np.int64, "rating": np.float32, "timestamp": np.int64},
        engine="c",
        quoting=csv.QUOTE_NONE,
        usecols=range(len(_FIELDS)),
        index_col=False,
        na_filter=False,
    )
    users, ids, stars, seconds = (frame[field].to_numpy() for field in _FIELDS)
    if chunk.count(b",") != 3 * len(users):  # pandas leaves further fields away
        raise ValueError("too many fields")
    good = (stars >= 0.5) & (stars <= 5) & (stars * 2 == np.round(stars * 2)) & (users >= 0) & (ids >= 0)
    if not good.all():
        raise ValueError("impossible values")
    if len(users) and max(users.max(), ids.max()) < 1 << 31:
        users, ids = users.astype(np.int32), ids.astype(np.int32)
    return users, ids, stars, seconds


def _raise_malformed(path: Path, first_line: int, chunk: bytes, separator: bytes) -> None:
    """Find the first malformed line by reading one after the other, and raise DataError for it."""
    between = separator.decode()
    for number, raw in enumerate(chunk.split(b"\n"), start=first_line):
        line = raw.decode("latin-1").rstrip("\r")
        fields = line.split(between)
        if not line.strip():
            continue
        reason = None
        if len(fields) != 4:
            reason = f"expected user, movie, stars and time between {between!r}, found {len(fields)} fields"
        elif not all(re.fullmatch(r"\d{1,18}", field.strip(), re.ASCII) for field in fields[:2]):
            reason = "the numbers of user and movie must be whole numbers"
        elif not re.fullmatch(r"-?\d{1,18}", fields[3].strip(), re.ASCII):
            reason = "the time must be a whole number of seconds"
        elif not re.fullmatch(r"0*(?:[1-4](?:\.[05]?0*)?|0?\.50*|5(?:\.0*)?)", fields[2].strip(), re.ASCII):
            reason = "the stars must be 0.5, 1, 1.5, ... or 5"
        if reason is not None:
            raise DataError(f"{path}, line {number}: {reason}; got {_shortened(line)}")


def _collect(
    folder: Path,
    layout: _Format,
    release: str,
    movies: dict[int, Movie],
    users: np.ndarray,
    ids: np.ndarray,
    stars: np.ndarray,
    seconds: np.ndarray,
) -> Ratings:
    """Bring the ratings into one sparse matrix, rows and columns by ascending number."""
    user_numbers, rows = _ranks(users)
    movie_numbers, columns = _ranks(ids)
    unknown = [number for number in movie_numbers.tolist() if number not in movies]
    if unknown:
        path = folder / layout.ratings
        line = _line_of_rating(path, layout, int(np.flatnonzero(ids == unknown[0])[0]))
        raise DataError(f"{path}, line {line}: movie {unknown[0]} is not in {layout.movies}")
    shape = (len(user_numbers), len(movie_numbers))
    key = rows * np.int64(shape[1]) + columns  # ascending where the ratings stand as in the matrix
    if not (key[1:] > key[:-1]).all():  # the CSV releases do
        order = np.argsort(key, kind="stable")
        if (key[order[1:]] == key[order[:-1]]).any():  # rated twice: the last by time, then by line, stays
            order = np.lexsort((seconds, key))
            order = order[np.append(key[order[1:]] != key[order[:-1]], True)]
        rows, columns, stars = rows[order], columns[order], stars[order]
    starts = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=starts[1:])
    matrix = sp.csr_array((stars, columns.astype(np.int32), starts.astype(np.int32)), shape=shape)
    matrix.has_canonical_format = True
    return Ratings(matrix, user_numbers, tuple(movies[number] for number in movie_numbers.tolist()), release)


def _ranks(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct numbers, ascending (int64), and for each number its place among them (int64)."""
    largest = int(numbers.max())
    if largest > 100_000_000:
        distinct, places = np.unique(numbers, return_inverse=True)
        return distinct.astype(np.int64), places.astype(np.int64)
    there = np.zeros(largest + 1, bool)  # a table is faster than sorting millions
    there[numbers] = True
    distinct = np.flatnonzero(there)
    table = np.zeros(largest + 1, np.int64)
    table[distinct] = np.arange(len(distinct))
    return distinct.astype(np.int64), table[numbers]


def _line_of_rating(path: Path, layout: _Format, place: int) -> int:
    """The line of the rating number `place`, counted from 0: blank lines hold none."""
    seen = -1
    for first_line, chunk in _chunks(path, layout):
        for number, line in enumerate(chunk.split(b"\n"), start=first_line):
            seen += bool(line.strip())
            if seen == place:
                return number
    raise DataError(f"{path} changed while it was read: load it again")


def _is_header(line: str, *names: str) -> bool:
    fields = [field.strip().strip('"').lower() for field in line.split(",")]
    return fields[: len(names)] == [name.lower() for name in names]


def _shortened(line: str) -> str:
    line = line.strip("\r\n")
    return repr(line if len(line) <= 80 else line[:77] + "...")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
