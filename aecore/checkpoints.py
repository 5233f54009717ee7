"""Model folders: weights, config and card, saved together and loaded without pickle. Knows no data and no training.

Imports torch only when a network is loaded, so that a page can show a card before torch is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aecore.config import NetworkConfig
from aecore.errors import AecoreError, CheckpointError, ModelNotFoundError
from aecore.filters import Filters
from aecore.pca import PCA

if TYPE_CHECKING:
    from aecore.networks import Autoencoder

WEIGHTS, CONFIG, CARD = "weights.safetensors", "config.json", "card.json"
FORMAT = 1  # of the folder; a reader that meets a newer one says so


def models_folder() -> Path:
    """Return the folder of the shipped models: `AECORE_MODELS`, or `models/` beside the package."""
    return Path(os.environ.get("AECORE_MODELS") or Path(__file__).resolve().parent.parent / "models")


def shipped_names() -> list[str]:
    """Names of the models that are there to be loaded, sorted."""
    folder = models_folder()
    return sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}")) if folder.is_dir() else []


def save(model: Autoencoder | PCA | Filters, folder: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Save a model: all three files or none.

    The folder is written under a temporary name beside its place and renamed, so that a crash leaves the old model or
    the new one, never half of each. Weights are kept in float16: half the bytes, and the loss in MSE is below 1e-6.

    Parameters
    ----------
    model : Autoencoder, PCA or Filters
        What to save.
    folder : str or Path
        Where; an older model there is replaced.
    card : dict, optional
        Metrics, split, seed, command: what JSON can hold. The model's own card if left out.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder exists and is not a model folder: nothing of yours is overwritten.
    """
    tensors, config = _parts(model)
    return write_folder(folder, tensors, config, model.card if card is None else card)


def write_folder(
    folder: str | Path,
    tensors: Mapping[str, Any],
    config: Mapping[str, Any],
    card: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
) -> Path:
    """Write a model folder, whatever the model is: all of its files or none.

    Parameters
    ----------
    folder : str or Path
        Where; an older model there is replaced.
    tensors : mapping of str to ndarray
        The weights, as they are to stand on disk.
    config, card : mapping
        What JSON can hold.
    texts : mapping of str to str, optional
        Further files, name -> content.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder exists and is not a model folder.
    """
    from safetensors.numpy import save_file

    place = Path(folder)
    if place.exists() and (not place.is_dir() or (any(place.iterdir()) and not (place / CONFIG).is_file())):
        raise CheckpointError(f"{place} exists and is not a model folder; choose another place")
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, fresh / WEIGHTS)
        os.chmod(fresh, 0o755)  # the temporary names are private; a model is not
        os.chmod(fresh / WEIGHTS, 0o644)
        _write_json(fresh / CONFIG, {"format": FORMAT, **config})
        _write_json(fresh / CARD, dict(card))
        for name, text in (texts or {}).items():
            (fresh / name).write_text(text, encoding="utf-8")
        old = fresh.with_name(fresh.name + "-old")
        if place.exists():
            place.rename(old)
        fresh.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return place


def load(name: str | Path) -> Any:
    """Load a shipped model by its name, or any model folder by its path.

    Parameters
    ----------
    name : str or Path
        "digits-32", "ordered", "pca", ...: see `shipped_names`; or a folder that `save` wrote.

    Returns
    -------
    Autoencoder, PCA or Filters
        With its `card`; a network in evaluation mode on the CPU, in float32.

    Raises
    ------
    ModelNotFoundError
        If there is no such model; the message names those there are.
    CheckpointError
        If the folder is incomplete, broken, or made for another network.
    """
    from aecore.networks import build

    place, config, card, tensors = read_folder(name)
    if config.get("kind") == "movies":
        raise CheckpointError(f"{place} holds movies: load them by aecore.load_movies")
    try:
        if config.get("kind") == "pca":
            return PCA(
                mean=tensors["mean"],
                components=tensors["components"].astype(np.float32),
                variances=tensors["variances"],
                total_variance=float(tensors["total_variance"][0]),
                card=card,
            )
        if config.get("kind") == "filters":
            parts = {name: array.astype(np.float32) for name, array in tensors.items()}
            return Filters(tuned=config["tuned"], **parts, card=card)
        network = build(NetworkConfig.from_dict(config["network"]))
        _fill(network, tensors)
    except (AecoreError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"the weights in {place} do not fit its {CONFIG}: {error}") from error
    network.card = card
    return network


def read_folder(name: str | Path) -> tuple[Path, dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Read a model folder, whatever the model is: its place, config, card and weights; raises as `load` does."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    place = _place(name)
    config = read_json(place / CONFIG)
    card = read_json(place / CARD)
    if config.get("format") != FORMAT:
        raise CheckpointError(
            f"{place / CONFIG} has format {config.get('format')!r}, this aecore reads {FORMAT}; update aecore or train "
            "the model again"
        )
    try:
        tensors = load_file(place / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"cannot read {place / WEIGHTS} ({error}); restore it or train the model again"
        ) from error
    return place, config, card, tensors


def read_card(name: str | Path) -> dict[str, Any]:
    """Read a model's card alone, without loading its weights; raises as `load` does."""
    return read_json(_place(name) / CARD)


def _place(name: str | Path) -> Path:
    known = shipped_names()
    if str(name) in known:
        return models_folder() / str(name)
    place = Path(name)
    if (place / CONFIG).is_file():
        return place
    raise ModelNotFoundError(
        f"there is no model {str(name)!r}: neither a folder with a {CONFIG} nor one of "
        f"{', '.join(known) or 'the shipped models (none are installed; `make models` trains them)'}"
    )


def _parts(model: Autoencoder | PCA | Filters) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and config."""
    if isinstance(model, PCA):
        return _pca_parts(model)
    if isinstance(model, Filters):
        names = ("basis", "mean", "noisy_means", "ridge", "rest")
        return {name: np.ascontiguousarray(_halved(getattr(model, name))) for name in names}, {
            "kind": "filters",
            "tuned": model.tuned,
        }
    return _network_parts(model)


def _network_parts(network: Autoencoder) -> tuple[dict[str, Any], dict[str, Any]]:
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    halves = {name: np.ascontiguousarray(_halved(array)) for name, array in tensors.items()}
    return halves, {"kind": "network", "network": network.config.to_dict()}


def _pca_parts(pca: PCA) -> tuple[dict[str, Any], dict[str, Any]]:
    tensors = {
        "mean": pca.mean,
        "components": _halved(pca.components),
        "variances": pca.variances,
        "total_variance": np.array([pca.total_variance]),
    }
    return tensors, {"kind": "pca", "k": len(pca.components)}


def _halved(array: Any) -> Any:
    return array.astype(np.float16) if array.dtype == np.float32 and array.ndim > 1 else array


def _fill(network: Autoencoder, tensors: dict[str, Any]) -> None:
    import torch

    wanted = network.state_dict()
    if set(wanted) != set(tensors):
        raise CheckpointError(f"differing parts: {', '.join(sorted(set(wanted) ^ set(tensors)))}")
    state = {name: torch.from_numpy(array).to(wanted[name].dtype) for name, array in tensors.items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in state.values()):
        raise CheckpointError("some weights are NaN or infinite")
    network.load_state_dict(state)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    text = re.sub(r"\[[^][{}]*\]", lambda numbers: " ".join(numbers[0].split()), text)  # a list of numbers on one line
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object; raises CheckpointError where the file is missing or holds anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {path} ({error}); restore it or train the model again") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} must hold a JSON object, got {type(content).__name__}")
    return content
