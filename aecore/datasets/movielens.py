"""Reads any MovieLens release into a sparse matrix of stars, users x movies, and its titles as people say them.

It knows GroupLens's file formats and where the releases are fetched from; it knows nothing of models. Reading loads
no torch.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from aecore.datasets.download import cache_folder
from aecore.errors import DataError

Progress = Callable[[int, int | None], None]  # (bytes so far, bytes in all or None)


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


def load_ratings(
    data_dir: str | Path | None = None,
    *,
    release: str = "ml-latest-small",
    download: bool = True,
    progress: Progress | None = None,
) -> Ratings:
    """Load a MovieLens release.

    Parameters
    ----------
    data_dir : path, optional
        A folder that holds the release's files, or holds a folder of the release's name. If given, no other folder is
        used. Without it the release is looked for in the folder AECORE_DATA names, then in the user's cache.
    release : str
        Name of the release.

    Returns
    -------
    Ratings
        Where a user rated a movie twice, the later rating counts (of two at the same second the one further down).

    Raises
    ------
    DataError
        The release is not there and cannot be had, or a row is malformed: file and line are named.
    """
    folder, layout = _find(release, data_dir)
    movies = _read_movies(folder / layout.movies)
    users, ids, stars, seconds = _read_ratings(folder / layout.ratings, layout)
    return _collect(folder / layout.ratings, layout, release, movies, users, ids, stars, seconds)


def _find(release: str, data_dir: str | Path | None) -> tuple[Path, _Format]:
    if data_dir is not None:
        roots = [Path(data_dir)]
    else:
        own = os.environ.get("AECORE_DATA")
        roots = ([Path(own)] if own else []) + [cache_folder()]
    folders = [folder for root in roots for folder in (root / release, root)]
    for folder in folders:
        for layout in _FORMATS:
            if (folder / layout.ratings).is_file() and (folder / layout.movies).is_file():
                return folder, layout
    raise DataError(f"MovieLens release {release} is not in {' or '.join(map(str, roots))}")


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
        except ValueError as error:  # pandas's ParserError is one
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
    path: Path,
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
        place = int(np.flatnonzero(ids == unknown[0])[0])
        line = _line_of_rating(path, layout, place)
        raise DataError(f"{path}, line {line}: movie {unknown[0]} is not in {path.with_name(layout.movies).name}")
    key = rows * np.int64(len(movie_numbers)) + columns
    if not (key[1:] > key[:-1]).all():  # the CSV releases come in order
        order = np.argsort(key, kind="stable")
        key = key[order]
        if (key[1:] == key[:-1]).any():  # rated twice: the last by time, then by line, stays
            order = np.lexsort((seconds, rows * np.int64(len(movie_numbers)) + columns))
            key = rows[order] * np.int64(len(movie_numbers)) + columns[order]
            order = order[np.append(key[1:] != key[:-1], True)]
        rows, columns, stars = rows[order], columns[order], stars[order]
    starts = np.zeros(len(user_numbers) + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=len(user_numbers)), out=starts[1:])
    shape = (len(user_numbers), len(movie_numbers))
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
