"""Prints the table of models/README.md from the models' cards: ``python -m scripts.model_table``. A test compares."""

from __future__ import annotations

from aecore import read_card
from aecore.checkpoints import WEIGHTS, models_folder
from aecore.denoising import TITLES
from aecore.movie_card import TITLES as MOVIE_METHODS
from aecore.noise import NOISES
from aecore.recipes import GROUPS, MOVIES, RECIPES

SHOWN = (1, 2, 4, 8, 16, 32, 64)  # numbers in the ordered code
HEAD = (
    "| model | numbers | test MSE | PSNR dB | SSIM | kept | PCA: MSE | PSNR dB | SSIM | kept |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def figures_table() -> str:
    """Test figures of each network at each code size, beside PCA's."""
    rows = [HEAD]
    for name in (*GROUPS["digits"], "ordered"):
        for k in (k for k in RECIPES[name].sizes if k in SHOWN):
            sides = read_card(name)["sizes"][str(k)]
            cells = [
                cell
                for figures in (sides["model"], sides["pca"])
                for cell in (
                    f"{figures['mse']:.5f}",
                    f"{figures['psnr']:.2f}",
                    f"{figures['ssim']:.3f}",
                    f"{100 * figures['information_kept']:.1f} %",
                )
            ]
            rows.append(f"| {name} | {k} | {' | '.join(cells)} |")
    return "\n".join(rows)


def noise_table() -> str:
    """Test figures of the denoiser and its rivals, from its card."""
    headlines = read_card("denoiser")["headlines"]
    heads = [f"{NOISES[noise].title} {headline['strength']:g}" for noise, headline in headlines.items()]
    rows = ["| method | " + " | ".join(f"{head}: PSNR dB | SSIM" for head in heads) + " |", "|---|--:|--:|--:|--:|"]
    for name in next(iter(headlines.values()))["methods"]:
        figures = [headline["methods"][name] for headline in headlines.values()]
        cells = [cell for part in figures for cell in (f"{part['psnr']:.2f}", f"{part['ssim']:.3f}")]
        rows.append(f"| {TITLES[name]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def movies_tables() -> str:
    """Figures of the movies on held-out users and ratings, beside their rivals', from the card."""
    card = read_card(MOVIES)
    tables = []
    for part in ("similar", "recommend", "rating"):
        names = list(next(iter(card[part].values())))
        rows = [f"| {part} | {' | '.join(names)} |", "|---" + "|--:" * len(names) + "|"]
        for method, figures in card[part].items():
            cells = (
                "–" if figures[name] is None else str(figures[name]) if name == "dimensions" else f"{figures[name]:.4f}"
                for name in names
            )
            rows.append(f"| {MOVIE_METHODS[method]} | {' | '.join(cells)} |")
        tables.append("\n".join(rows))
    return "\n\n".join(tables)


def making_table() -> str:
    """Parameters, bytes and training time of each model."""
    rows = ["| model | parameters | weights, MB | trained, seconds by the clock | of processor time |"]
    rows.append("|---|--:|--:|--:|--:|")
    for name in (*RECIPES, MOVIES):
        card = read_card(name)
        megabytes = (models_folder() / name / WEIGHTS).stat().st_size / 1e6
        cells = f"{card['parameters']:,}", f"{megabytes:.2f}", f"{card['seconds']:,.0f}", f"{card['cpu_seconds']:,.0f}"
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(figures_table(), noise_table(), movies_tables(), making_table(), sep="\n\n")
