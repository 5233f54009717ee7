"""Would BM3D be a stronger classical rival of the denoiser than the filters that are shipped?

BM3D's authors allow non-commercial use only, so the project neither installs nor ships it. Whoever may use it runs
``pip install bm3d`` and then ``python -m benchmarks.bm3d --data-dir DIR``: it is tuned and calibrated on training
digits as every filter here is, and judged on the first test digits beside the shipped filters and the denoiser.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from aecore import add_noise, load, load_digits, ssim
from aecore.denoising import HEADLINES, SEED, psnr
from aecore.filters import METHODS, Method, grey_map, tune_method

SIGMAS = (0.2, 0.35, 0.5, 0.7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--tuned-on", type=int, default=20, help="training digits")
    parser.add_argument("--digits", type=int, default=100, help="test digits")
    options = parser.parse_args()
    try:
        from bm3d import bm3d
    except ImportError:
        parser.exit(0, "not measured: BM3D is not here. pip install bm3d (free for non-commercial use only)\n")

    def apply(images: np.ndarray, sigma: float) -> np.ndarray:
        return np.stack([bm3d(image, sigma) for image in images]).astype(np.float32)

    method = Method("BM3D", apply, tuple({"sigma": sigma} for sigma in SIGMAS))
    tuning = load_digits("train", options.data_dir).images[: options.tuned_on]
    images = load_digits("test", options.data_dir).images[: options.digits]
    filters, denoiser = load("filters"), load("denoiser")
    for noise, strength in HEADLINES.items():
        settings = tune_method(tuning, add_noise(tuning, noise, strength, SEED), method)
        noisy = add_noise(images, noise, strength, SEED)
        restored = {
            "bm3d": grey_map(apply(noisy, **settings["parameters"]), settings),
            **{name: filters.denoise(noisy, noise, strength, name) for name in METHODS},
            "denoiser": denoiser.reconstruct(noisy),
        }
        for name, pictures in restored.items():
            row = {"noise": noise, "strength": strength, "method": name, "digits": len(images)}
            figures = {"psnr": psnr(images, pictures).mean(), "ssim": ssim(images, pictures).mean()}
            print(json.dumps(row | {key: round(float(value), 3) for key, value in figures.items()}), flush=True)


if __name__ == "__main__":
    main()
