"""What does one ordered code for all sizes cost, beside a dedicated network a size of the same shape and training?

Trains the rivals with the ordered recipe's hidden layers, epochs, batch size, learning rate and seed, only the code is
theirs, and judges all on MNIST's test digits. Run: ``python -m benchmarks.ordered_code --data-dir DIR``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path

import torch

from aecore import PCA, load
from aecore.datasets.mnist import load_digits
from aecore.evaluation import measure
from aecore.networks import build
from aecore.recipes import RECIPES
from aecore.training import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--epochs", type=int, help="of the rivals; default: those of the ordered recipe")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    recipe = RECIPES["ordered"]
    config = dataclasses.replace(recipe.training, epochs=options.epochs or recipe.training.epochs)
    digits, test = load_digits("train", options.data_dir).images, load_digits("test", options.data_dir).images
    mean = PCA.fit(digits, 1).mean
    for k in options.sizes:
        rival = build(dataclasses.replace(recipe.network, code=k, ordered=False), seed=config.seed)
        started = time.process_time()
        for _report in train(rival, digits, config):
            pass
        alone, together = (measure(model, test, mean, k)["mse"] for model in (rival, load("ordered")))
        row = {"k": k, "dedicated_mse": alone, "ordered_mse": together, "ratio": round(together / alone, 3)}
        print(json.dumps(row | {"rival_cpu_seconds": round(time.process_time() - started)}), flush=True)


if __name__ == "__main__":
    main()
