"""What the Movies page shows beside its widgets: colours of the map, the query, tables and the picture from the card.

Figures and names in, HTML out. It calls no Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from aecore.movie_card import TITLES
from aecore.movies import Movies
from ui import charts, movies
from ui.components.movie_map import Colour, map_data

# A movie has several genres and one colour: that of the first group below that has one of its genres.
GROUPS: dict[Colour, tuple[str, ...]] = {
    Colour("Animation, children", "#0f9d8a", "#3fd6c0"): ("Animation", "Children"),
    Colour("Documentary", "#6b7685", "#a7b3c2"): ("Documentary",),
    Colour("Horror", "#9c1f2e", "#ff6b6b"): ("Horror",),
    Colour("Science fiction, fantasy", "#1667d1", "#5aa9f5"): ("Sci-Fi", "Fantasy"),
    Colour("War, western", "#7a5a14", "#d9b25a"): ("War", "Western"),
    Colour("Crime, thriller", "#4b3aa8", "#a99bff"): ("Crime", "Thriller", "Mystery", "Film-Noir"),
    Colour("Romance, musical", "#d0409a", "#ff8fcb"): ("Romance", "Musical"),
    Colour("Action, adventure", "#c2500a", "#f59a4b"): ("Action", "Adventure", "IMAX"),
    Colour("Comedy", "#b58900", "#f2d24b"): ("Comedy",),
    Colour("Drama", "#3d7a2f", "#8fcf7c"): ("Drama",),
    Colour("No genre", "#9aa3ad", "#6f7a87"): (),
}
KINDS = {  # of the card's methods: which colour they have
    **dict.fromkeys(("autoencoder", "masked", "residuals", "together"), "network"),
    **dict.fromkeys(("cosine", "svd", "als", "unmasked"), "pca"),
    "ease": "plain",
}
FIGURES = {  # as the card names them -> head of the column, and whether less is better
    "recall@20": ("Recall@20\u00a0↑", False),
    "recall@50": ("Recall@50\u00a0↑", False),
    "mrr": ("MRR\u00a0↑", False),
    "pmauc": ("AUC at equal popularity\u00a0↑", False),
    "sequels@10": ("Sequels@10\u00a0↑", False),
    "genre@10": ("Genre@10\u00a0↑", False),
    "ndcg@100": ("NDCG@100\u00a0↑", False),
    "rmse": ("RMSE, stars\u00a0↓", True),
    "dimensions": ("Numbers a movie", False),
}
TABLES = (  # parts of the card, what they are called, and what was measured
    (
        "rating",
        "Guessing stars",
        "A tenth of all ratings, drawn at random, is hidden; the error of guessing them, guesses clipped to the scale "
        "from half a star to five. The mean and the biases know no tastes at all.",
    ),
    (
        "similar",
        "Similar titles",
        "Held-out people, a fifth of all, whom no model has seen: of two movies that one of them liked, is one in the "
        "other's list? Pairs of well-known movies count for less, or popularity alone would win. The masked "
        "autoencoder guesses stars well, and is a poor judge of likeness: that takes the other recipe. So few "
        "people are held out that a few thousandths mean nothing.",
    ),
    (
        "recommend",
        "Recommending",
        "The same people: from four fifths of what one of them liked, is the rest found?",
    ),
)
CREDITS = (
    "Ratings: MovieLens ml-latest-small, GroupLens Research at the University of Minnesota, who neither endorse this "
    "nor warrant the data; free for research, not for commerce without their permission. F. Maxwell Harper and Joseph "
    "A. Konstan. 2015. *The MovieLens Datasets: History and Context.* ACM Transactions on Interactive Intelligent "
    "Systems 5, 4: 19:1–19:19. [doi.org/10.1145/2827872](https://doi.org/10.1145/2827872). The model holds no one's "
    "ratings."
)


# ---------------------------------------------------------------------------------------------------------------------
# The map
# ---------------------------------------------------------------------------------------------------------------------


def the_map(model: Movies) -> dict[str, Any]:
    """Every movie as a point, for the map."""
    groups = list(GROUPS)
    place = {genre: i for i, colour in enumerate(groups) for genre in GROUPS[colour]}
    last = len(groups) - 1
    colour_of = np.array([min((place.get(genre, last) for genre in one.genres), default=last) for one in model.movies])
    return map_data(model.map, [one.label for one in model.movies], groups, colour_of, model.support)


def map_words(model: Movies) -> str:
    """What the map is, for the line below it."""
    method = model.card.get("map")
    made = method.get("method") if isinstance(method, Mapping) else method
    by = f" by {made}" if isinstance(made, str) else ""
    return (
        f"{len(model):,} movies, from {model.embeddings.shape[1]} numbers to two{by}: what is close was liked by the "
        "same people; far apart means little. Large points have many ratings. Click one to ask for its neighbours; "
        "drag, pinch or Ctrl + wheel to look closer; a genre shows its movies alone."
    )


def query_html(model: Movies, index: int) -> str:
    """The movie that is asked about."""
    one = model.movies[index]
    about = " · ".join(part for part in (", ".join(one.genres), movies.count(int(model.support[index]))) if part)
    other = f"<span>{escape('; '.join(one.other_titles))}</span>" if one.other_titles else ""
    year = "" if one.year is None else f" <small>{one.year}</small>"
    return f'<div class="ae-query"><b>{escape(one.title)}{year}</b>{other}<span>{escape(about)}</span></div>'


# ---------------------------------------------------------------------------------------------------------------------
# From the card
# ---------------------------------------------------------------------------------------------------------------------


def name_of(method: str) -> str:
    """A method of the card, for people."""
    title = TITLES.get(method, method)
    return title[0].upper() + title[1:]


def table_html(rows: Mapping[str, Mapping[str, Any]], head: str) -> str:
    """Figures of several methods, the best of each column in bold; `rows` is a part of the card."""
    columns = [name for name in FIGURES if any(name in figures for figures in rows.values())]
    names = list(rows)
    best = [-1 if (winner := _best(rows, column)) is None else names.index(winner) for column in columns]
    cells = [
        (name_of(name), KINDS.get(name, ""), [_cell(rows[name].get(column), column) for column in columns])
        for name in names
    ]
    table = charts.figures_table(cells, [FIGURES[column][0] for column in columns], best)
    return f'<div class="ae-figures ae-wide">{table.replace("This digit", escape(head))}</div>'


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any, column: str) -> str:
    if not _number(value):
        return "–"
    return f"{value:,}" if column == "dimensions" else f"{value:.3f}"


def winners(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Who wins which column, in a sentence."""
    won: dict[str, list[str]] = {}
    for column, (head, _) in FIGURES.items():
        if (best := _best(rows, column)) is not None:
            won.setdefault(best, []).append(head.split("\u00a0")[0])
    told = "; ".join(f"**{name_of(name)}** wins {_listed(columns)}" for name, columns in won.items())
    return f"{told}." if told else ""


def _best(rows: Mapping[str, Mapping[str, Any]], column: str) -> str | None:
    """Which method wins a column; None where none does alone, or where there is nothing to win."""
    values = {name: figures[column] for name, figures in rows.items() if _number(figures.get(column))}
    if column == "dimensions" or not values:
        return None
    goal = (min if FIGURES[column][1] else max)(values.values())
    first = [name for name, value in values.items() if value == goal]
    return first[0] if len(first) == 1 else None


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def mask_words(card: Mapping[str, Any], model: Movies) -> str:
    """What the mask is for, with figures of the data."""
    data = card.get("data", {}) if isinstance(card.get("data"), Mapping) else {}
    users, total = data.get("users"), int(model.support.sum())
    rated = f"{total:,} ratings"
    if _number(users) and users:
        rated = (
            f"{users:,} people could have rated {len(model):,} movies: {users * len(model):,} entries. "
            f"{total / (users * len(model)):.1%} of them are filled".replace("%", " %")
        )
    return (
        f"{rated}. An autoencoder that is to give back the *whole* table takes every gap for a zero, and learns that "
        "nearly everything is zero. With a **mask**, the error counts on rated entries only, and what it writes into "
        "the gaps is its guess. The same network, trained both ways, on ratings that neither has seen:"
    )


def mask_picture(mask: Mapping[str, Any]) -> str:
    """Histogram of predicted stars, with and without the mask, as one SVG."""
    edges = [float(edge) for edge in mask["edges"]]
    curves = []
    for name, kind in (("unmasked", "pca"), ("masked", "network"), ("actual", "muted")):
        counts = mask.get(name, {}).get("histogram") if isinstance(mask.get(name), Mapping) else None
        if counts and len(counts) == len(edges) - 1:
            total = float(sum(counts)) or 1.0
            curves.append((name, kind, [float(count) / total for count in counts]))
    left, right, top, bottom = 12, 628, 46, 236
    high = max(max(shares) for _, _, shares in curves) * 1.04

    def across(stars: float) -> float:
        return left + (right - left) * (stars - edges[0]) / (edges[-1] - edges[0])

    def down(share: float) -> float:
        return bottom - (bottom - top) * share / high

    drawn = []
    for _, kind, shares in curves:
        steps = " ".join(
            f"L{across(a):.1f} {down(share):.1f}L{across(b):.1f} {down(share):.1f}"
            for a, b, share in zip(edges, edges[1:], shares, strict=False)
        )
        drawn.append(
            f'<path class="ae-hist ae-hist-{kind}" d="M{across(edges[0]):.1f} {bottom}{steps}L{across(edges[-1]):.1f} '
            f'{bottom}"/>'
        )
    ticks = "".join(
        f'<path class="ae-grid" d="M{across(star):.1f} {bottom}v5"/>'
        f'<text x="{across(star):.1f}" y="{bottom + 20}">{star:g}</text>'
        for star in range(int(np.ceil(edges[0])), int(np.floor(edges[-1])) + 1)
    )
    centres = (np.array(edges[:-1]) + np.array(edges[1:])) / 2
    means = {name: float(mask[name].get("mean", np.dot(centres, shares))) for name, _, shares in curves}
    told = []
    for name, kind, _ in curves:
        mean = means[name]
        rmse = mask[name].get("rmse")
        label = {"masked": "with the mask", "unmasked": "without", "actual": "stars given"}[name]
        figure = f", RMSE {rmse:.2f}" if _number(rmse) else ""
        told.append(
            f'<li class="ae-{kind}"><i></i><b>{label.capitalize()}</b> {mean:.1f} stars on average{figure}</li>'
        )
    said = "Histogram of predicted stars. " + "; ".join(
        f"{name}: {mean:.1f} on average" for name, mean in means.items()
    )
    return (
        f'<figure class="ae-mask"><ul>{"".join(reversed(told))}</ul><svg viewBox="0 0 640 290" role="img" '
        f'aria-label="{escape(said)}"><path class="ae-grid" d="M{left} {bottom}H{right}"/>{"".join(drawn)}{ticks}'
        f'<text x="{(left + right) / 2}" y="{bottom + 47}">predicted stars</text></svg></figure>'
    )


def measured(card: Mapping[str, Any]) -> str:
    """On what the figures were measured, and the command that does it again."""
    split = card.get("split")
    parts = (
        [f"{key}: {value:,}" if _number(value) else f"{key}: {value}" for key, value in split.items()]
        if isinstance(split, Mapping)
        else []
    )
    told = f" {'; '.join(parts)}." if parts else ""
    return f"From the model's card.{told} To measure again: `python -m aecore evaluate movies`"
