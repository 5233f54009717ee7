"""How fast is the shipped recipe's training, beside the textbook loop and beside the machine's own limit?

The rival is what tutorials write: torchvision's dataset, a `DataLoader`, float32, one `optimizer.step()` a batch; the
same network and batch size, in the same run, in turn. Run: ``python -m benchmarks.training_speed --data-dir DIR``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from aecore.datasets.mnist import import_torchvision, load_digits
from aecore.networks import build
from aecore.recipes import RECIPES
from aecore.training import train


def matrix_peak(kind: torch.dtype, size: int = 2048, seconds: float = 1.0) -> float:
    """Floating-point operations a second of a large matrix product: what this machine can do at best."""
    left, right = (torch.randn(size, size).to(kind) for _ in range(2))
    left @ right
    started, products = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        left @ right
        products += 1
    return 2 * size**3 * products / (time.perf_counter() - started)


def textbook(recipe, data_dir: Path, images: int) -> float:
    """Images a second of the tutorial's loop, measured over about `images` of them."""
    torchvision = import_torchvision()
    from torchvision.transforms import ToTensor

    dataset = torchvision.datasets.MNIST(data_dir, train=True, transform=ToTensor())
    loader = torch.utils.data.DataLoader(dataset, batch_size=recipe.training.batch_size, shuffle=True)
    network = build(recipe.network).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    started, seen = None, 0
    for batch, _labels in loader:
        if started is None:  # the first batch warms up
            started = time.perf_counter()
        else:
            seen += len(batch)
        pictures = batch[:, 0]
        loss = F.mse_loss(network(pictures), pictures)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if seen >= images:
            break
    return seen / (time.perf_counter() - started)


def ours(recipe, images, precision: str) -> float:
    """Images a second of `aecore.train` with the shipped settings in the given precision, after one warm-up epoch."""
    config = dataclasses.replace(recipe.training, precision=precision, epochs=2)
    network = build(recipe.network)
    list(train(network, images[: 4 * config.batch_size], config))
    return list(train(network, images, config))[-1].images_per_second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--recipe", default="digits-32", choices=[name for name in RECIPES if RECIPES[name].network])
    parser.add_argument("--rounds", type=int, default=3, help="times everything is measured, in turn")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    recipe = RECIPES[options.recipe]
    digits = load_digits("train", options.data_dir)
    operations = 6 * build(recipe.network).parameter_count  # forward, and twice as much backward, a multiply-add is two
    rounds = []
    for _ in range(options.rounds):
        rounds.append(
            {
                "textbook": textbook(recipe, options.data_dir, 10_000),
                "float32": ours(recipe, digits.images[:20_000], "float32"),
                "bfloat16": ours(recipe, digits.images[:20_000], "bfloat16"),
                "peak float32": matrix_peak(torch.float32),
                "peak bfloat16": matrix_peak(torch.bfloat16),
            }
        )
    middle = {name: statistics.median(measured[name] for measured in rounds) for name in rounds[0]}
    result = {
        "recipe": recipe.name,
        "batch_size": recipe.training.batch_size,
        "threads": torch.get_num_threads(),
        "images_per_second": {name: round(middle[name]) for name in ("textbook", "float32", "bfloat16")},
        "ratio_to_textbook": {
            name: round(statistics.median(measured[name] / measured["textbook"] for measured in rounds), 2)
            for name in ("float32", "bfloat16")
        },
        "part_of_matrix_peak": {
            name: round(middle[name] * operations / middle[f"peak {name}"], 3) for name in ("float32", "bfloat16")
        },
        "matrix_peak_gflops": {name: round(middle[f"peak {name}"] / 1e9) for name in ("float32", "bfloat16")},
    }
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
