"""The command line: ``python -m aecore list | download | train | evaluate | similar | recommend``.

Figures on stdout, progress on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aecore import checkpoints, denoising, movie_card
from aecore.datasets.mnist import Digits, load_digits
from aecore.datasets.movielens import Ratings, load_ratings
from aecore.equivalence import LINEAR, VARIANTS, explained, prove, weigh_variants
from aecore.errors import AecoreError, ConfigError, DataError
from aecore.evaluation import evaluate, write_card
from aecore.filters import Filters, tune
from aecore.movies import OWN, Movies, load_movies, save_movies
from aecore.pca import PCA, Moments
from aecore.recipes import GROUPS, LARGEST_CODE, MOVIES, RECIPES, Recipe, cook, find_recipes

if TYPE_CHECKING:
    from aecore.networks import Autoencoder

SHOWN_SIZES = (1, 2, 4, 8, 16, 32, 64)  # of an ordered code, in the table for people; --json prints every size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 2 after an error that says what to do."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except AecoreError as error:
        print(f"aecore: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\naecore: stopped; nothing was saved", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the lines has had enough: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain once more at its end
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aecore", description="Train, judge and ask the shipped autoencoders."
    )
    commands = parser.add_subparsers(required=True, metavar="list | download | train | evaluate | similar | recommend")

    listing = commands.add_parser("list", help="the recipes, and which of them are trained")
    listing.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    listing.set_defaults(run=_list)

    fetching = commands.add_parser("download", help="fetch MNIST (12 MB), so that nothing else has to")
    fetching.set_defaults(run=_download)

    training = commands.add_parser("train", help="train a shipped model anew, judge it and save it with its card")
    training.add_argument("recipe", help=f"one of {', '.join((*RECIPES, MOVIES, *GROUPS))}")
    training.add_argument("--out", type=Path, help="folder to save model folders in (default: the shipped models)")
    training.set_defaults(run=_train)

    judging = commands.add_parser("evaluate", help="recompute the figures of a model's card")
    judging.add_argument("recipe", help=f"one of {', '.join((*RECIPES, MOVIES, *GROUPS))}")
    judging.set_defaults(run=_evaluate)

    likening = commands.add_parser("similar", help="movies like one")
    likening.add_argument("title", help='"toy story", "Hamlet (1996)", "Matrix, The (1999)"')
    likening.add_argument("--by", default=OWN, help="autoencoder (default), cosine, svd or ease")
    likening.add_argument(
        "--popularity", type=float, default=0.0, help="from 0 (default) to 1: prefer what is well known"
    )
    likening.set_defaults(run=_similar)

    recommending = commands.add_parser("recommend", help="movies for somebody who gave these ratings, and why")
    recommending.add_argument(
        "--rate", action="append", required=True, metavar="TITLE=STARS", help='"The Matrix=5"; may be repeated'
    )
    recommending.set_defaults(run=_recommend)

    for command in (likening, recommending):
        command.add_argument("-k", type=int, default=10, help="how many (default: 10)")
        command.add_argument("--min-support", type=int, default=1, help="only movies with so many ratings (default: 1)")
        command.add_argument("--years", metavar="FROM-TO", help="1990-1999, 1990- or -1999")
        command.add_argument(
            "--genre", action="append", help="only movies of this genre (may be repeated: any of them)"
        )
        command.add_argument("--model", default="movies", help="name or folder of the model (default: movies)")
        command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    for command in (fetching, training, judging):
        command.add_argument(
            "--data-dir", type=Path, help="folder that holds MNIST and MovieLens (default: AECORE_DATA, user cache)"
        )
    for command in (training, judging):
        command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        command.add_argument("--threads", type=int, help="processor threads to use (default: torch's choice)")
    return parser


def _list(options: argparse.Namespace) -> None:
    trained = set(checkpoints.shipped_names())
    titles = {**{name: recipe.title for name, recipe in RECIPES.items()}, MOVIES: movie_card.TITLE}
    if options.json:
        rows = {name: {"title": title, "trained": name in trained} for name, title in titles.items()}
        print(json.dumps({"recipes": rows, "groups": GROUPS}))
        return
    for name, title in titles.items():
        print(f"{name:<12}{'trained' if name in trained else '-':<10}{title}")
    for name, members in GROUPS.items():
        print(f"{name:<12}{'group':<10}{', '.join(members)}")


def _download(options: argparse.Namespace) -> None:
    for digits in _digits(options.data_dir):
        print(f"{len(digits):,} {digits.split} digits are there")


def _train(options: argparse.Namespace) -> None:
    cards = {} if options.recipe == MOVIES else _train_digits(options)
    if options.recipe in (MOVIES, "all"):
        cards[MOVIES] = _train_movies(options)
    if options.json:
        print(json.dumps(cards))


def _train_movies(options: argparse.Namespace) -> dict[str, Any]:
    _use_threads(options.threads)
    ratings = load_ratings(options.data_dir, release=movie_card.RELEASE, progress=_download_progress)
    recipe = movie_card.MovieRecipe()
    started, cpu_started = time.perf_counter(), time.process_time()
    model = movie_card.make(ratings, recipe, lambda text, part: _progress(f"movies: training, {text}", part))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    judged = _judge_movies(ratings, recipe)
    card = movie_card.write_card(recipe, ratings, judged, seconds=seconds, cpu_seconds=cpu_seconds)
    folder = save_movies(model, (options.out or checkpoints.models_folder()) / MOVIES, card)
    print(f"saved {folder}", file=sys.stderr)
    if not options.json:
        print("\n".join(movie_card.table(judged)))
    return card


def _judge_movies(ratings: Ratings, recipe: movie_card.MovieRecipe) -> dict[str, Any]:
    return movie_card.figures(ratings, recipe, lambda text, part: _progress(f"movies: judging, {text}", part))


def _train_digits(options: argparse.Namespace) -> dict[str, Any]:
    recipes = find_recipes(options.recipe)
    _use_threads(options.threads)
    train_digits, test_digits = _digits(options.data_dir)
    rival = _rival(train_digits)
    cards = {}
    for recipe in recipes:
        started, cpu_started = time.perf_counter(), time.process_time()
        model = _cook(recipe, train_digits)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        model = _as_shipped(model)
        noise = recipe.judged == "noise"
        sizes = {} if noise else _judge(recipe, model, rival, test_digits)
        figures = {**denoising.about(recipe), **_judge_noise(recipe, model, test_digits)} if noise else None
        card = write_card(
            recipe,
            model,
            sizes,
            figures=figures,
            train_count=len(train_digits),
            test_count=len(test_digits),
            seconds=seconds,
            cpu_seconds=cpu_seconds,
        )
        if recipe.name == "pca":
            moments = Moments.of(train_digits.images)
            card["explained"] = explained(moments)
            card["equivalence"] = _prove(moments)
            card["variants"] = _weigh_variants(train_digits, test_digits)
        folder = checkpoints.save(model, (options.out or checkpoints.models_folder()) / recipe.name, card)
        print(f"saved {folder}", file=sys.stderr)
        cards[recipe.name] = card
        if figures is not None and not options.json:
            print("\n".join(denoising.table(figures)))
        elif not options.json:
            _print_table(recipe.name, sizes)
            _print_equivalence(card)
    return cards


def _evaluate(options: argparse.Namespace) -> None:
    results = {} if options.recipe == MOVIES else _evaluate_digits(options)
    if options.recipe in (MOVIES, "all"):
        results[MOVIES] = _evaluate_movies(options)
    if options.json:
        print(json.dumps(results))


def _evaluate_movies(options: argparse.Namespace) -> dict[str, Any]:
    """Train the movies' networks again without the held-out users, by the recipe, and judge them on those users."""
    _use_threads(options.threads)
    command = checkpoints.read_card(MOVIES).get("check")
    ratings = load_ratings(options.data_dir, release=movie_card.RELEASE, progress=_download_progress)
    judged = _judge_movies(ratings, movie_card.MovieRecipe())
    if not options.json:
        print("\n".join(movie_card.table(judged)))
    return {"command": command, **judged}


def _evaluate_digits(options: argparse.Namespace) -> dict[str, Any]:
    recipes = find_recipes(options.recipe)
    _use_threads(options.threads)
    models = {recipe.name: checkpoints.load(recipe.name) for recipe in recipes}
    train_digits, test_digits = _digits(options.data_dir)
    rival = _rival(train_digits)
    results = {}
    for recipe in recipes:
        if recipe.judged == "noise":
            figures = _judge_noise(recipe, models[recipe.name], test_digits)
            results[recipe.name] = {"command": models[recipe.name].card.get("check"), **figures}
            if not options.json:
                print("\n".join((recipe.title, *denoising.table(figures))))
            continue
        sizes = _judge(recipe, models[recipe.name], rival, test_digits)
        results[recipe.name] = {
            "test_digits": len(test_digits),
            "command": models[recipe.name].card.get("check"),
            "sizes": {str(k): figures for k, figures in sizes.items()},
        }
        if recipe.name == "pca":
            results[recipe.name]["equivalence"] = _prove(Moments.of(train_digits.images))
        if not options.json:
            _print_table(recipe.name, sizes)
            _print_equivalence(results[recipe.name])
    return results


def _similar(options: argparse.Namespace) -> None:
    movies = load_movies(options.model)
    index = movies.find(options.title)
    found = movies.similar(index, options.k, popularity=options.popularity, by=options.by, **_sieve(options))
    if options.json:
        rows = [{**_described(movies, one.index), "score": one.score} for one in found]
        print(json.dumps({"query": _described(movies, index), "by": options.by, "similar": rows}, ensure_ascii=False))
        return
    print(f"like {movies.movies[index].label}, by {options.by}")
    for one in found:
        print(f"{one.score:>7.3f}  {one.movie.label}  ({', '.join(one.movie.genres)}; {one.support:,} ratings)")


def _recommend(options: argparse.Namespace) -> None:
    movies = load_movies(options.model)
    ratings = {}
    for given in options.rate:
        title, _, stars = given.rpartition("=")
        try:
            ratings[movies.find(title)] = float(stars)
        except ValueError as error:
            raise ConfigError(f'--rate takes TITLE=STARS, "The Matrix=5", got {given!r}') from error
    explained = movies.explain(ratings, options.k, **_sieve(options))
    if options.json:
        rows = [
            {
                **_described(movies, one.recommendation.index),
                "score": one.recommendation.score,
                "why": [
                    {
                        "movie": reason.movie.label,
                        "stars": reason.stars,
                        "contribution": reason.contribution,
                        "place_without": reason.place,
                        "instead": reason.instead and reason.instead.movie.label,
                    }
                    for reason in one.reasons
                ],
            }
            for one in explained
        ]
        print(json.dumps({"recommended": rows}, ensure_ascii=False))
        return
    for rank, one in enumerate(explained, 1):
        first = one.reasons[0]
        print(f"{rank:>3}  {one.recommendation.movie.label}  ({one.recommendation.support:,} ratings)")
        print(f"     most by {first.movie.label} = {first.stars:g} ({first.contribution:+.2f})")


def _sieve(options: argparse.Namespace) -> dict[str, Any]:
    """The filters that both lists take."""
    years = None
    if options.years is not None:
        found = re.fullmatch(r"(\d{4})?-(\d{4})?|(\d{4})", options.years)
        if found is None or options.years == "-":
            raise ConfigError(f"--years takes 1990-1999, 1990-, -1999 or 1994, got {options.years!r}")
        first, last = (found[1], found[2]) if found[3] is None else (found[3], found[3])
        years = (int(first) if first else None, int(last) if last else None)
    return {"min_support": options.min_support, "years": years, "genres": options.genre}


def _described(movies: Movies, index: int) -> dict[str, Any]:
    movie = movies.movies[index]
    return {
        "movie": movie.label,
        "id": movie.id,
        "year": movie.year,
        "genres": list(movie.genres),
        "ratings": int(movies.support[index]),
    }


def _cook(recipe: Recipe, digits: Digits) -> Autoencoder | PCA | Filters:
    if recipe.name == "filters":
        filters: Filters | None = None
        for done, total, filters in tune(digits.images):  # noqa: B007 - the last one is kept
            _progress(f"{recipe.name}: {done} of {total} noises and strengths", done / total)
        return cast(Filters, filters)
    steps = cook(recipe, digits.images)
    while True:
        try:
            report = next(steps)
        except StopIteration as finished:
            return cast("Autoencoder | PCA | Filters", finished.value)
        watched = "" if report.valid_loss is None else f", valid {report.valid_loss:.5f}"
        _progress(
            f"{recipe.name}: train {report.train_loss:.5f}{watched}, {report.images_per_second:,.0f} images/s, "
            f"{report.seconds_left:,.0f} s left",
            report.epoch / report.epochs,
        )


def _as_shipped(model: Autoencoder | PCA | Filters) -> Any:
    """Return the model as others will load it, in float16 on disk: that is what a card must speak of."""
    with tempfile.TemporaryDirectory() as folder:
        return checkpoints.load(checkpoints.save(model, Path(folder) / "model", {}))


def _rival(train_digits: Digits) -> PCA:
    """PCA of the training digits: one for all the recipes that are judged beside it."""
    return PCA.fit(train_digits.images, LARGEST_CODE)


def _judge(recipe: Recipe, model: Autoencoder | PCA, rival: PCA, test_digits: Digits) -> dict[int, dict[str, Any]]:
    sizes: dict[int, dict[str, Any]] = {}
    beside = model if isinstance(model, PCA) else rival
    for k, figures in evaluate(recipe, model, beside, test_digits.images):
        sizes[k] = figures
        _progress(f"{recipe.name}: judging on {len(test_digits):,} test digits", len(sizes) / len(recipe.sizes))
    return sizes


def _judge_noise(recipe: Recipe, model: Any, test_digits: Digits) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for part, figures in denoising.judge(recipe, model, test_digits.images):  # noqa: B007 - the last ones are kept
        _progress(f"{recipe.name}: judging on test digits", part)
    return figures


def _prove(moments: Moments) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for name, figures in prove(moments):
        rows[name] = figures
        _progress("pca: linear autoencoders beside it", len(rows) / len(LINEAR))
    return rows


def _weigh_variants(train_digits: Digits, test_digits: Digits) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for name, figures in weigh_variants(train_digits.images, test_digits.images):
        rows[name] = figures
        _progress("pca: networks with hidden layers beside it", len(rows) / len(VARIANTS))
    return rows


def _digits(data_dir: Path | None) -> tuple[Digits, Digits]:
    train_digits = load_digits("train", data_dir, progress=_download_progress)
    test_digits = load_digits("test", data_dir, progress=_download_progress)
    if test_digits.source != "mnist":
        raise DataError(
            "MNIST's test digits are not here and could not be downloaded; give --data-dir a folder that holds MNIST"
        )
    return train_digits, test_digits


def _use_threads(count: int | None) -> None:
    if count is not None:
        import torch

        torch.set_num_threads(max(1, count))


def _print_table(name: str, sizes: dict[int, dict[str, Any]]) -> None:
    heads = f"{'MSE':>10}{'PSNR dB':>9}{'SSIM':>8}{'kept':>8}"
    print(f"{name:<12}{heads}   PCA:{heads}")
    for k, figures in sizes.items():
        if k in SHOWN_SIZES or len(sizes) == 1:
            row = [
                f"{side['mse']:>10.5f}{side['psnr']:>9.2f}{side['ssim']:>8.4f}{side['information_kept']:>8.4f}"
                for side in (figures["model"], figures["pca"])
            ]
            print(f"{f'{k} numbers':<12}{row[0]}       {row[1]}")


def _print_equivalence(card: dict[str, Any]) -> None:
    """What PCA's card says of linear autoencoders and of the variants with hidden layers; of others, nothing."""
    if rows := card.get("equivalence"):
        print("\nlinear autoencoders, 32 numbers, trained by gradient alone, beside PCA on the training digits")
        print(f"{'':<32}{'parameters':>12}{'MSE':>12}{'excess':>10}{'angle':>12}{'seconds':>9}")
        for row in rows.values():
            print(
                f"{row['title']:<32}{row['parameters']:>12,}{row['mse']:>12.8f}{row['excess']:>10.1e}"
                f"{row['angle']:>8.2g} deg{row['seconds']:>9.1f}"
            )
    if rows := card.get("variants"):
        print("\nwith hidden layers, 32 numbers, the same epochs for each; MSE on the test digits")
        for row in rows.values():
            print(f"{row['title']:<36}{row['parameters']:>12,}{row['mse']:>12.5f}{row['seconds']:>9.1f} s")


def _download_progress(done: int, total: int | None) -> None:
    _progress("downloading", done / total if total else 0.0)


def _progress(text: str, part: float) -> None:
    """Draw a progress bar on a terminal; elsewhere a line for each tenth would only fill logs, so nothing."""
    if sys.stderr.isatty():
        bar = "#" * round(20 * part)
        print(f"\r\033[K[{bar:<20}] {part:>4.0%} {text}", end="" if part < 1 else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
