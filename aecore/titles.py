"""Finds movies by what people type: case, accents, articles, the order of words and slips of the keyboard forgiven.

It knows titles and how often each movie was rated; it knows no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore.datasets.movielens import Movie

_ARTICLES = frozenset(
    (
        *("the", "a", "an", "la", "le", "les", "l", "un", "une", "il", "lo", "i", "gli", "una", "uno"),
        *("el", "los", "las", "der", "die", "das", "ein", "eine", "de", "het", "een"),
        *("det", "den", "en", "et", "ett", "o", "os", "as", "um", "uma"),
    )
)
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "&": " and "}
)
_YEAR = re.compile(r"(?:18|19|20)\d\d")
GRAM = 3  # letters that are compared at once where nothing fits to the letter
LIKELY = 30  # titles that are looked at closely then
LIKE = 0.55  # how like it a title must be
ALMOST = 0.8  # the same, where other titles fit to the letter
ENOUGH = 3  # titles that fit to the letter: nothing else is looked for


def plain(text: str) -> str:
    """Small letters and figures, single spaces: what is compared.

    >>> plain("Amélie & the  Matrix: Re-Loaded!")
    'amelie and the matrix re loaded'
    >>> plain("WALL·E, Schindler's")
    'wall e schindlers'
    """
    text = text.casefold().translate(_LETTERS).replace("'", "").replace("’", "")
    letters = unicodedata.normalize("NFKD", text)
    return " ".join(re.findall(r"[^\W_]+", "".join(c for c in letters if not unicodedata.combining(c))))


def without_article(text: str) -> str:
    """Plain text without a leading article, unless nothing else is there.

    >>> without_article("the matrix"), without_article("a")
    ('matrix', 'a')
    """
    first, _, rest = text.partition(" ")
    return rest if rest and first in _ARTICLES else text


class TitleIndex:
    """All titles of a vocabulary, made ready once.

    Parameters
    ----------
    movies : sequence of Movie
        The vocabulary.
    support : ndarray, shape (movies,)
        Ratings each has: of titles that fit equally well the one with more comes first.
    """

    def __init__(self, movies: Sequence[Movie], support: NDArray[Any]) -> None:
        self._movies = movies
        self._support = support.tolist()
        # Of each movie: plain titles as they are, the main one first; and the same without their articles.
        self._full = [tuple(dict.fromkeys(map(plain, (movie.title, *movie.other_titles)))) for movie in movies]
        self._bare = [tuple(dict.fromkeys(map(without_article, titles))) for titles in self._full]
        # All of it as one text, a line a movie, to find letters in at the speed of a text search.
        lines = [
            f" {' '.join(titles)} {'' if movie.year is None else movie.year}\n"
            for titles, movie in zip(self._full, movies, strict=True)
        ]
        self._text = "".join(lines)
        self._ends = np.cumsum([len(line) for line in lines])

    @cached_property
    def _exact(self) -> dict[str, list[int]]:
        """Whatever a movie may be called -> indices; of two entries of one movie the one with more ratings."""
        called: dict[str, list[int]] = {}
        known: set[str] = set()
        for index in self._by_support(range(len(self._movies))):
            movie = self._movies[index]
            if movie.stored in known:
                continue
            known.add(movie.stored)
            spellings = {plain(movie.stored), *self._full[index], *self._bare[index]}
            if movie.year is not None:
                spellings |= {f"{name} {movie.year}" for name in (*self._full[index], *self._bare[index])}
            for spelling in spellings:
                called.setdefault(spelling, []).append(index)
        return called

    def exact(self, title: str) -> tuple[int, ...]:
        """Indices of all movies called so, as given or without its article, the one with most ratings first.

        Where it is the main title of some, those whose further title it is are left out.
        """
        name = plain(title)
        found = self._exact.get(name) or self._exact.get(without_article(name), [])
        if len(found) > 1:
            to_the_letter = [i for i in found if title in (self._movies[i].stored, self._movies[i].label)]
            main = [i for i in found if name in (self._full[i][0], f"{self._full[i][0]} {self._movies[i].year}")]
            found = to_the_letter if len(to_the_letter) == 1 else main or found
        return tuple(found)

    def unmistakable(self, index: int) -> str:
        """What `exact` finds this movie alone by: its label, or where that is not enough its stored title."""
        movie = self._movies[index]
        return movie.label if self.exact(movie.label) == (index,) else movie.stored

    def search(self, query: str, k: int = 10) -> list[int]:
        """Indices of the best k movies for a query, the likeliest first; none for an empty one."""
        typed = plain(query)
        if not typed or k < 1:
            return []
        bare = without_article(typed)
        found: dict[int, tuple[float, ...]] = {}
        for index in self._candidates(typed, bare):
            words = self._text[self._ends[index - 1] if index else 0 : self._ends[index]].split()
            rank = min(_rank(typed, self._full[index], words), _rank(bare, self._bare[index], words))
            if rank < _NOT_AT_ALL:
                found[index] = (rank, -self._support[index])
        if len(found) < min(k, ENOUGH):
            least = ALMOST if found else LIKE
            for index, likeness in self._alike(bare):
                if likeness >= least:
                    found.setdefault(index, (_NOT_AT_ALL, -likeness, -self._support[index]))
        return sorted(found, key=lambda index: (found[index], index))[:k]

    def _candidates(self, typed: str, bare: str) -> list[int]:
        """Movies with every word of it as the beginning of a word, or all of it anywhere."""
        words = [self._lines_with(f" {word}") for word in bare.split()]
        fitting = set.intersection(*words)
        return sorted(
            fitting | self._lines_with(f" {typed}") | (self._lines_with(bare) if len(bare) >= GRAM else set())
        )

    def _lines_with(self, letters: str) -> set[int]:
        starts = [match.start() for match in re.finditer(re.escape(letters), self._text)]
        return set(np.searchsorted(self._ends, starts, side="right").tolist())

    @cached_property
    def _names(self) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        """All names without articles, the movie each belongs to, and their lengths."""
        names = [name for titles in self._bare for name in titles]
        owners = np.repeat(np.arange(len(self._bare)), [len(titles) for titles in self._bare])
        return names, owners, np.array([len(name) for name in names])

    @cached_property
    def _grams(self) -> dict[str, NDArray[np.int32]]:
        """Which of the names contain each three letters."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(self._names[0]):
            for gram in _grams_of(name):
                places.setdefault(gram, []).append(place)
        return {gram: np.array(found, np.int32) for gram, found in places.items()}

    def _alike(self, typed: str) -> list[tuple[int, float]]:
        """Movies whose titles share letters with what was typed, and how like it they are."""
        typed = " ".join(word for word in typed.split() if not _YEAR.fullmatch(word)) or typed
        names, owners, lengths = self._names
        grams = _grams_of(typed)
        hits = [self._grams[gram] for gram in grams if gram in self._grams]
        if not hits:
            return []
        shared = np.bincount(np.concatenate(hits), minlength=len(names))
        order = np.lexsort((lengths, -shared))[:LIKELY]
        found: dict[int, float] = {}
        for place in order[shared[order] > 0].tolist():
            owner = int(owners[place])
            found[owner] = max(found.get(owner, 0.0), round(_likeness(typed, names[place]), 2))
        return list(found.items())

    def _by_support(self, indices: Iterable[int]) -> list[int]:
        return sorted(indices, key=lambda index: (-self._support[index], index))


_NOT_AT_ALL = 9.0


def _rank(typed: str, titles: Sequence[str], words: Sequence[str]) -> float:
    """How well it fits, 0 the best; _NOT_AT_ALL where it does not."""
    main = titles[0]
    if main == typed:
        return 0
    if typed in titles:
        return 0.5
    if main.startswith(typed):
        return 1 if main[len(typed)] == " " else 2
    if f" {typed}" in f" {main}":
        return 3
    if any(f" {typed}" in f" {title}" for title in titles):
        return 4
    if all(any(word.startswith(part) for word in words) for part in typed.split()):
        return 5
    if len(typed) >= GRAM and any(typed in title for title in titles):
        return 6
    return _NOT_AT_ALL


def _grams_of(name: str) -> set[str]:
    spaced = f" {name}"
    return {spaced[i : i + GRAM] for i in range(max(1, len(spaced) - GRAM + 1))}


def _likeness(typed: str, name: str) -> float:
    """From 0 to 1: the better of comparing with all of the name, and with as much of it as was typed."""
    whole = SequenceMatcher(None, typed, name, autojunk=False).ratio()
    begun = SequenceMatcher(None, typed, name[: len(typed) + 1], autojunk=False).ratio()
    words = [
        max(SequenceMatcher(None, part, word, autojunk=False).ratio() for word in name.split())
        for part in typed.split()
    ]
    return max(whole, 0.97 * begun, 0.9 * sum(words) / len(words))
