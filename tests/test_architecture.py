"""The rules that keep the rooms apart, arrows downwards only, and what the repository holds: no data, no hosts."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A module of aecore may import what stands on a lower floor; on its own floor too, as long as nothing goes round in a
# circle (another test). A new module takes a floor here.
FLOORS = [
    ["errors"],
    ["config"],
    ["networks", "datasets", "noise", "losses", "metrics", "neighbours", "quantise"],
    [
        "training",
        "checkpoints",
        "pca",
        "latent",
        "linear",
        "filters",
        "titles",
        "recommenders",
        "rating_networks",
        "taste",
    ],
    ["transfer", "movies", "recipes", "equivalence"],
    ["evaluation", "denoising", "movie_card"],
    ["__init__"],
    ["__main__"],
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}

# What each room may not import.
FORBIDDEN = {
    "aecore": {"streamlit", "plotly", "ui", "pages", "app", "scripts", "benchmarks", "tests"},
    "ui": {"pages", "app", "scripts", "benchmarks", "tests"},
    "pages": {"pages", "app", "scripts", "benchmarks", "tests"},
    "app.py": {"pages", "scripts", "benchmarks", "tests"},
    "scripts": {"pages", "app", "tests"},
    "benchmarks": {"pages", "app", "tests"},
}


def python_files(room: str) -> list[Path]:
    path = ROOT / room
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports(file: Path, text: str | None = None) -> Iterator[str]:
    """Every module that a file imports anywhere in it, by its full name."""
    package = module_name(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(text if text is not None else file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:  # `from aecore import metrics` imports metrics, `from aecore import load` aecore
                name = f"{base}.{alias.name}"
                yield name if is_module(name) else base


def room_of(module: str) -> str:
    """`aecore.datasets.mnist` lives in `datasets`; `aecore` itself is `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def inner_imports(file: Path) -> set[str]:
    """The rooms of aecore that a file of aecore imports, without its own."""
    found = {room_of(name) for name in imports(file) if name.split(".")[0] == "aecore"}
    return found - {room_of(module_name(file))}


def test_imports_are_read_as_python_reads_them() -> None:
    file = ROOT / "aecore" / "datasets" / "mnist.py"
    text = "import a.b\nfrom ..errors import DataError\nfrom . import pictures\ndef f(): from aecore import pca, load\n"
    found = {"a.b", "aecore.errors", "aecore.datasets.pictures", "aecore.pca", "aecore"}
    assert set(imports(file, text)) == found
    assert set(imports(ROOT / "aecore" / "__init__.py", "from .errors import DataError")) == {"aecore.errors"}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_arrows_between_rooms_point_downwards(room: str) -> None:
    for file in python_files(room):
        wrong = {name.split(".")[0] for name in imports(file)} & FORBIDDEN[room]
        assert not wrong, f"{file.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"


def test_arrows_inside_aecore_point_downwards() -> None:
    for file in python_files("aecore"):
        here = room_of(module_name(file))
        assert here in FLOOR, f"{file.relative_to(ROOT)} has no floor: give {here!r} one in FLOORS of this test"
        for room in inner_imports(file):
            assert FLOOR[room] <= FLOOR[here], f"{file.relative_to(ROOT)} imports {room}, which stands above it"


def test_aecore_has_no_circle() -> None:
    arrows: dict[str, set[str]] = {}
    for file in python_files("aecore"):
        arrows.setdefault(room_of(module_name(file)), set()).update(inner_imports(file))

    def circle(room: str, path: tuple[str, ...] = ()) -> tuple[str, ...] | None:
        if room in path:
            return (*path, room)
        return next((found for other in arrows.get(room, ()) if (found := circle(other, (*path, room)))), None)

    for room in arrows:
        assert circle(room) is None


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that a fresh Python has loaded after a statement."""
    code = f"{statement}\nimport sys, json; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def test_importing_aecore_loads_no_page_machinery_and_no_torch() -> None:
    # torch takes seconds to import, and a page is to paint before that.
    assert not loaded_by("import aecore") & {
        "streamlit",
        "plotly",
        "ui",
        "torch",
        "torchvision",
        "matplotlib",
        "sklearn",
    }


def test_importing_all_of_aecore_loads_no_page_machinery() -> None:
    modules = ", ".join(module_name(file) for file in python_files("aecore") if file.name != "__main__.py")
    assert not loaded_by(f"import {modules}") & {"streamlit", "plotly", "ui"}


def test_every_public_name_exists_once_in_order_and_is_explained() -> None:
    import aecore

    def order(name: str) -> tuple[bool, bool, str]:  # as ruff keeps it: PCA, then AecoreError, then build
        return not name.isupper(), not name[0].isupper(), name

    assert list(aecore.__all__) == sorted(set(aecore.__all__), key=order)
    for name in aecore.__all__:
        assert hasattr(aecore, name), name
        if callable(getattr(aecore, name)):
            assert getattr(aecore, name).__doc__, name
    assert set(aecore.__all__) <= set(dir(aecore))


@pytest.fixture(scope="module")
def repository() -> list[Path]:
    """Every file that git keeps."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: what belongs to the repository is not known here")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


# Written in parts, so that this file does not name them either.
REGISTRY_HOSTS = re.compile(
    "|".join(
        rf"\b{name}\.{ending}\b"
        for names, ending in (
            (r"pypi|pythonhosted|anaconda|npmjs|yarnpkg|unpkg|jsdelivr|esm|cdnjs\.cloudflare", "(org|com|net|sh)"),
            (r"download\.pytorch", "org"),
        )
        for name in names.split("|")
    )
)


def test_the_pattern_of_registry_hosts_matches_them() -> None:
    assert REGISTRY_HOSTS.search("--index-url https://" + "pypi" + ".org/simple")
    assert REGISTRY_HOSTS.search("https://cdn." + "jsdelivr" + ".net/npm/x")
    assert not REGISTRY_HOSTS.search("from PyPI; pypi, organised")


def test_no_file_names_the_host_of_a_registry(repository: list[Path]) -> None:
    for file in repository:
        if file.suffix not in {".png", ".safetensors"}:
            found = REGISTRY_HOSTS.search(file.read_text(encoding="utf-8"))
            assert found is None, f"{file.relative_to(ROOT)} names {found and found.group()}"


DATA_ENDINGS = (
    *(
        "ubyte",
        ".csv",
        ".tsv",
        ".parquet",
        ".feather",
        ".h5",
        ".hdf5",
        ".npy",
        ".npz",
        ".mat",
        ".arff",
        ".dat",
        ".data",
    ),
    *(".gz", ".bz2", ".xz", ".zip", ".tar", ".7z", ".pt", ".pth", ".pkl", ".pickle", ".joblib", ".onnx"),
)


def test_the_repository_holds_no_data(repository: list[Path]) -> None:
    for file in repository:
        name = file.relative_to(ROOT)
        assert not file.name.lower().endswith(DATA_ENDINGS), f"{name} is data"
        if file.suffix == ".safetensors":
            assert name.match("models/*/weights.safetensors"), f"{name} is outside a model's folder"
        if file.suffix == ".png":
            assert name.parts[0] == "docs", f"{name} is a picture outside docs/"
        limit = 24_000_000 if name.match("models/movies/weights.safetensors") else 4_000_000
        assert file.stat().st_size < limit, f"{name} has {file.stat().st_size:,} bytes"
