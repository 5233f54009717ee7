"""What the Movies page asks and gets: filters, the movie in question, ratings in the address, lists, code and files.

It knows the movies' model and the page's address; it draws nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aecore.datasets.movielens import Movie
from aecore.movies import OWN, STARS, Explained, Movies, Reason, Similar
from ui import share
from ui.components.movie_lists import Column, Row
from ui.components.movie_search import Found
from ui.components.recommended import Recommended, Why
from ui.components.star_shelf import Rateable

SHOWN = 10  # movies in a list
OFFERED = 8  # titles below the search field
ENOUGH = 5  # ratings from which on a list is worth something
MOST = 60  # ratings that one link may carry
SUPPORTS = (1, 3, 5, 10, 20, 50, 100)  # choices of the least number of ratings
SUPPORT = 5  # unless one chooses another
OPENING = 5618  # MovieLens number of the movie that the page opens on: Spirited Away

TITLES = {
    OWN: "Autoencoder",
    "cosine": "Raw cosine",
    "svd": "SVD",
    "ease": "EASE",
}
ABOUT = {
    OWN: "cosine of its embeddings",
    "cosine": "cosine of the columns of stars as they are",
    "svd": "cosine of truncated singular vectors",
    "ease": "weights of the shallow linear autoencoder: no cosines",
}

# Well-known titles from different corners, by their numbers at MovieLens. Those a model does not know are left out.
SHELF = (
    *(2571, 1721, 296, 1, 318, 260, 858, 4993),  # Matrix, Titanic, Pulp Fiction, Toy Story, Shawshank, Star Wars, ...
    *(4973, 356, 593, 58559, 1307, 541, 5618, 1136),  # Amelie, Forrest Gump, Lambs, Dark Knight, When Harry Met Sally
    *(912, 1258, 4306, 597, 778, 1036, 2671, 1214),  # Casablanca, Shining, Shrek, Pretty Woman, Trainspotting, ...
)
TASTES = {
    "Bent realities": {2571: 5, 541: 5, 79132: 5, 7361: 5, 4226: 4, 1214: 4, 597: 1, 1721: 2},
    "Hearts and laughter": {1307: 5, 2671: 5, 597: 4, 4973: 5, 357: 4, 7451: 4, 1214: 1, 589: 2},
}


# ---------------------------------------------------------------------------------------------------------------------
# What is asked
# ---------------------------------------------------------------------------------------------------------------------


class Sieve(NamedTuple):
    """Which movies may be listed."""

    min_support: int = 1
    years: tuple[int, int] | None = None
    genres: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """As `Movies` takes them; what filters nothing is left out."""
        chosen: dict[str, Any] = {"min_support": self.min_support} if self.min_support > 1 else {}
        if self.years is not None:
            chosen["years"] = self.years
        if self.genres:
            chosen["genres"] = list(self.genres)
        return chosen


def span(movies: Movies) -> tuple[int, int]:
    """The first and the last year that a movie has, both rounded to a decade."""
    years = [movie.year for movie in movies.movies if movie.year is not None]
    return (min(years) // 10 * 10, -(-max(years) // 10) * 10) if years else (1900, 2030)


def asked(movies: Movies) -> tuple[int, str | None]:
    """Index of the movie in the address, or of the one the page opens on; and what to say about a bad address."""
    given = share.text("movie")
    number = share.whole_number("movie", 0, 10**9)
    index = None if number is None else movies.by_id(number)
    if index is not None:
        return index, None
    opening = movies.by_id(OPENING)
    opening = int(movies.support.argmax()) if opening is None else opening
    if given is None:
        return opening, None
    share.drop("movie")
    return opening, "The movie in this link is not one that the model knows; here is another."


def ask(movies: Movies, index: int) -> None:
    """Make a movie the query, in the address."""
    if index < len(movies):
        share.put("movie", movies.movies[index].id)


# ---------------------------------------------------------------------------------------------------------------------
# Ratings in the address: 2571-5_1721-2 is five stars for movie 2571 and two for 1721
# ---------------------------------------------------------------------------------------------------------------------


def read_ratings(movies: Movies) -> tuple[dict[int, float], str | None]:
    """Index -> stars, in the order they were given; and what to say about a bad address."""
    packed = share.text("ratings")
    if packed is None:
        return {}, None
    ratings: dict[int, float] = {}
    lost = 0
    for part in packed.split("_")[:MOST]:
        found = re.fullmatch(r"([0-9]{1,9})-([0-5](?:\.5)?)", part)
        index = movies.by_id(int(found[1])) if found else None
        if found is None or index is None or not STARS[0] <= float(found[2]) <= STARS[1]:
            lost += 1
        else:
            ratings[index] = float(found[2])
    lost += len(packed.split("_")[MOST:])
    if not lost:
        return ratings, None
    write_ratings(movies, ratings)
    many = "One rating" if lost == 1 else f"{lost} ratings"
    return ratings, f"{many} in this link could not be read, or the movie is not one that the model knows."


def write_ratings(movies: Movies, ratings: Mapping[int, float]) -> None:
    """Put ratings into the address; none: nothing."""
    if ratings:
        share.put("ratings", pack({movies.movies[index].id: stars for index, stars in ratings.items()}))
    else:
        share.drop("ratings")


def pack(stars_of: Mapping[int, float]) -> str:
    """MovieLens number -> stars, as the address has it.

    >>> pack({2571: 5, 1721: 2.5})
    '2571-5_1721-2.5'
    """
    return "_".join(f"{number}-{stars:g}" for number, stars in stars_of.items())


def rate(movies: Movies, index: int, stars: int) -> None:
    """Change one rating in the address; 0 stars take it away."""
    ratings, _ = read_ratings(movies)
    if index >= len(movies) or (index not in ratings and len(ratings) >= MOST):
        return
    if stars:
        ratings[index] = float(stars)
    else:
        ratings.pop(index, None)
    write_ratings(movies, ratings)


# ---------------------------------------------------------------------------------------------------------------------
# What is shown
# ---------------------------------------------------------------------------------------------------------------------


def note(movie: Movie) -> str:
    """Year and genres."""
    return " · ".join(part for part in ("" if movie.year is None else str(movie.year), ", ".join(movie.genres)) if part)


def count(number: int) -> str:
    """A number of ratings."""
    return "1 rating" if number == 1 else f"{number:,} ratings"


def find(movies: Movies, query: str) -> list[Found]:
    """What the search field offers."""
    found = movies.search(query, OFFERED)
    return [
        Found(i, movies.movies[i].title, f"{note(movies.movies[i])} · {count(int(movies.support[i]))}") for i in found
    ]


@dataclass(frozen=True, eq=False)
class Answer:
    """The nearest movies by one method."""

    by: str
    near: Sequence[Similar]

    def column(self, own: Sequence[int] | None = None) -> Column:
        """As the page lists it; what `own` holds too is marked."""
        top = max((one.score for one in self.near), default=1.0) if self.by == "ease" else 1.0
        rows = [
            Row(
                one.index,
                one.movie.title,
                note(one.movie),
                count(one.support),
                f"{one.score:.3f}" if self.by == "ease" else f"{one.score:.2f}",
                one.score / top if top > 0 else 0.0,
                own is not None and one.index in own,
            )
            for one in self.near
        ]
        kind = "network" if self.by == OWN else "pca" if self.by in ("cosine", "svd") else ""
        return Column(TITLES.get(self.by, self.by), ABOUT.get(self.by, ""), kind, rows)


def answer(movies: Movies, index: int, sieve: Sieve, popularity: float, by: str = OWN) -> Answer:
    """The nearest movies by one method; raises as `Movies.similar`."""
    return Answer(by, movies.similar(index, SHOWN, popularity=popularity, by=by, **sieve.settings))


def ranking(movies: Movies, popularity: float) -> str:
    """How the lists are put in order, where it is not by the scores alone."""
    parts = [f"n / (n + {movies.shrinkage:g})"] if movies.shrinkage else []
    if popularity:
        parts.append(f"(n / {int(movies.support.max())}) to the power of {popularity:g}")
    return f"In order of score × {' × '.join(parts)}, n being a movie's ratings." if parts else ""


def agreement(own: Answer, others: Sequence[Answer]) -> str:
    """How many of the autoencoder's list the others have too."""
    mine = {one.index for one in own.near}
    parts = [f"{TITLES.get(other.by, other.by)} {len(mine & {one.index for one in other.near})}" for other in others]
    return f"Of the autoencoder's {len(mine)} movies, marked ●, the others list: {', '.join(parts)}."


def shelf(movies: Movies, ratings: Mapping[int, float]) -> list[Rateable]:
    """What was rated beside the shelf, the latest first, then the shelf."""
    standing = [index for number in SHELF if (index := movies.by_id(number)) is not None]
    if not standing:
        standing = (-movies.support).argsort(kind="stable")[: len(SHELF)].tolist()
    added = [index for index in reversed(ratings) if index not in standing]
    return [
        Rateable(index, movies.movies[index].title, note(movies.movies[index]), ratings.get(index, 0.0))
        for index in (*added, *standing)
    ]


def taste(movies: Movies, name: str) -> dict[int, float]:
    """One of TASTES, as far as the model knows the movies."""
    known = {movies.by_id(number): float(stars) for number, stars in TASTES[name].items()}
    return {index: stars for index, stars in known.items() if index is not None}


def in_short(movies: Movies, ratings: Mapping[int, float]) -> str:
    """All ratings in a line, the best liked first."""
    best = sorted(ratings, key=lambda index: -ratings[index])
    return "From " + ", ".join(f"{movies.movies[index].title} {ratings[index]:g}\u00a0★" for index in best) + "."


def recommendations(explained: Sequence[Explained]) -> list[Recommended]:
    """A list with its reasons in words."""
    return [
        Recommended(
            one.recommendation.index,
            one.recommendation.movie.title,
            note(one.recommendation.movie),
            count(one.recommendation.support),
            because(one, rank),
            [
                Why(
                    reason.movie.title,
                    reason.stars,
                    f"{reason.contribution:+.2f}".replace("-", "−"),
                    reason.contribution / (max(abs(other.contribution) for other in one.reasons) or 1.0),
                    without(reason, rank),
                )
                for reason in one.reasons
            ],
        )
        for rank, one in enumerate(explained, 1)
    ]


def because(one: Explained, rank: int) -> str:
    """The strongest reason, and what would be without it."""
    first = one.reasons[0]
    if first.contribution <= 0:
        return "No rating speaks for it by itself: it is what many people like"
    return f"Because of your {first.stars:g} ★ for {first.movie.title}; {without(first, rank)}"


def without(reason: Reason, rank: int) -> str:
    """What would be without one rating."""
    if reason.instead is not None:
        return f"without it, {reason.instead.movie.title} would be here instead"
    if reason.place is None:
        return "without it, a filter would hide it"
    if reason.place == rank:
        return "without it, nothing would change here"
    return f"without it, it would be {ordinal(reason.place)}"


def ordinal(place: int) -> str:
    """A place in a list.

    >>> ordinal(1), ordinal(12), ordinal(22), ordinal(103)
    ('1st', '12th', '22nd', '103rd')
    """
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{ending}"


# ---------------------------------------------------------------------------------------------------------------------
# The same in Python, and files to keep
# ---------------------------------------------------------------------------------------------------------------------


def similar_code(movies: Movies, index: int, sieve: Sieve, popularity: float, methods: Sequence[str]) -> str:
    """Lines that print what is shown."""
    settings = {**sieve.settings, **({"popularity": popularity} if popularity else {})}
    told = "".join(f", {name}={value!r}" for name, value in settings.items())
    lines = [
        "import aecore",
        "",
        'movies = aecore.load_movies("movies")',
    ]
    title = movies.titles.unmistakable(index)
    query = repr(title) if movies.titles.exact(title) == (index,) else str(index)
    if len(methods) == 1:
        lines.append(f"for one in movies.similar({query}, k={SHOWN}{told}):")
        lines.append('    print(f"{one.score:.2f}  {one.movie.label}  {one.support} ratings")')
    else:
        lines.append(f"for method in {tuple(methods)!r}:")
        lines.append("    print(method)")
        lines.append(f"    for one in movies.similar({query}, k={SHOWN}, by=method{told}):")
        lines.append('        print(f"{one.score:.3f}  {one.movie.label}  {one.support} ratings")')
    return "\n".join(lines)


def recommend_code(movies: Movies, ratings: Mapping[int, float], sieve: Sieve) -> str:
    """Lines that print what is shown."""
    told = "".join(f", {name}={value!r}" for name, value in sieve.settings.items())
    given = []
    for index, stars in ratings.items():
        title = movies.titles.unmistakable(index)
        query = repr(title) if movies.titles.exact(title) == (index,) else str(index)
        given.append(f"    {query}: {stars:g},")
    return "\n".join(
        [
            "import aecore",
            "",
            'movies = aecore.load_movies("movies")',
            "ratings = {",
            *given,
            "}",
            f"for one in movies.recommend(ratings, k={SHOWN}{told}):",
            "    print(one.movie.label)",
            f"    reason = movies.why(one.index, ratings, k={SHOWN}{told})[0]",
            '    print(f"    {reason.movie.label}: {reason.contribution:+.2f}")',
        ]
    )


def similar_csv(query: Movie, answers: Sequence[Answer]) -> str:
    """All lists shown, a movie a line."""
    rows = [
        (query.label, each.by, rank, *_cells(one.movie, one.support), f"{one.score:.6g}")
        for each in answers
        for rank, one in enumerate(each.near, 1)
    ]
    return _csv(("query", "method", "rank", "movie_id", "title", "year", "genres", "ratings", "score"), rows)


def recommend_csv(explained: Sequence[Explained]) -> str:
    """The list shown, a movie a line, with its strongest reason."""
    rows = []
    for rank, one in enumerate(explained, 1):
        found, first = one.recommendation, one.reasons[0]
        row = (rank, *_cells(found.movie, found.support), f"{found.score:.6g}")
        rows.append((*row, first.movie.label, f"{first.stars:g}", f"{first.contribution:.6g}"))
    heads = ("rank", "movie_id", "title", "year", "genres", "ratings", "score", "because_of", "stars", "contribution")
    return _csv(heads, rows)


def _cells(movie: Movie, support: int) -> tuple[Any, ...]:
    return movie.id, movie.title, movie.year, "|".join(movie.genres), support


def _csv(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()
