"""The two commands and the settings: what a newcomer meets before any of our Python runs."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from scripts.browser import free_port
from scripts.port import problem

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
TOOLS = ("make", "sh", "awk", "cmp", "cp", "cat", "cut", "flock", "grep", "mkdir", "mv", "rm", "tail", "uname")
# Python 3.12 as far as scripts/environment.sh looks; an environment it makes holds itself, its pip notes each call.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *"-m venv --clear"*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
    *"-m pip install"*) echo "$*" >> pip-calls; echo "ERROR: no such package"; exit "${PIP_FAILS:-0}" ;;
    *print*) echo 3.12 ;;
esac
"""
OLD_PYTHON = """#!/bin/sh
case "$*" in *print*) echo 3.9 ;; *) exit 1 ;; esac
"""
PYTHON_WITHOUT_VENV = """#!/bin/sh
case "$*" in *print*) echo 3.12 ;; *ensurepip*) exit 1 ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a space in its name that holds what the set-up reads, and nothing that it makes."""
    folder = tmp_path / "my playground"
    (folder / "scripts").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "scripts/environment.sh"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def script(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    file.chmod(0o755)
    return file


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Not the flags of the make that runs these tests.
    clean = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHON")
    }
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=clean | environment, capture_output=True, text=True, timeout=60
    )


def test_help_lists_every_command_and_is_what_make_alone_shows() -> None:
    commands = re.findall(r"^([a-z]+):.*", MAKEFILE, re.MULTILINE)
    commands = [name for name in commands if name != "environment"]
    shown = make(ROOT, "help").stdout
    assert {"app", "test", "lint", "bench", "models", "screenshots", "clean", "help"} <= set(commands)
    for name in commands:
        assert re.search(rf"^  make {name} +\S", shown, re.MULTILINE), name
    assert make(ROOT).stdout == shown


def test_the_environment_is_made_once_and_installed_again_only_when_requirements_change(checkout: Path) -> None:
    python = script(checkout, "fake python", FAKE_PYTHON)
    calls = checkout / "pip-calls"

    first = make(checkout, "environment", f"PYTHON={python}")
    assert first.returncode == 0, first.stderr
    assert "-r requirements.txt" in calls.read_text()
    assert "-dev" not in calls.read_text(), "the app needs no test tools"

    again = make(checkout, "environment", f"PYTHON={python}")
    assert (again.returncode, again.stdout) == (0, "")
    assert len(calls.read_text().splitlines()) == 1

    make(checkout, "environment-dev", f"PYTHON={python}")
    assert calls.read_text().splitlines()[1].endswith(" -r requirements-dev.txt")
    assert "-r requirements.txt" not in calls.read_text().splitlines()[1]
    make(checkout, "environment", f"PYTHON={python}")
    assert len(calls.read_text().splitlines()) == 2

    with (checkout / "requirements.txt").open("a") as file:
        file.write("one-more==1.0\n")
    make(checkout, "environment", f"PYTHON={python}")
    assert len(calls.read_text().splitlines()) == 3


def test_a_failed_install_says_why_and_is_tried_again(checkout: Path) -> None:
    python = script(checkout, "python", FAKE_PYTHON)
    failed = make(checkout, "environment", f"PYTHON={python}", PIP_FAILS="1")
    assert failed.returncode != 0
    assert "no such package" in failed.stderr
    assert make(checkout, "environment", f"PYTHON={python}").returncode == 0
    assert len((checkout / "pip-calls").read_text().splitlines()) == 2


def test_a_broken_environment_is_built_again(checkout: Path) -> None:
    python = script(checkout, "python", FAKE_PYTHON)
    make(checkout, "environment", f"PYTHON={python}")
    (checkout / ".venv/bin/python").unlink()
    (checkout / ".venv/bin/python").symlink_to("/nowhere/python3")
    (checkout / ".venv/installed-requirements.txt").write_text("of the environment that is gone\n")
    assert make(checkout, "environment", f"PYTHON={python}").returncode == 0
    assert len((checkout / "pip-calls").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("interpreter", "said"),
    [
        (OLD_PYTHON, "Python 3.11 or newer is needed, but python3 is Python 3.9"),
        (PYTHON_WITHOUT_VENV, "python3 (Python 3.12) has no venv and ensurepip"),
        (None, "Python 3.11 or newer is needed, but python3 was not found"),
    ],
)
def test_a_python_that_will_not_do_is_named_in_one_line(checkout: Path, interpreter: str | None, said: str) -> None:
    tools = checkout / "bin"
    tools.mkdir()
    for name in TOOLS:
        if path := shutil.which(name):
            (tools / name).symlink_to(path)
    if interpreter:
        script(tools, "python3", interpreter)
    for command in ("app", "test"):
        result = make(checkout, command, PATH=str(tools))
        lines = [line for line in result.stderr.splitlines() if not line.startswith("make")]
        assert result.returncode != 0
        assert len(lines) == 1
        assert lines[0].startswith(said)
    assert not (checkout / ".venv").exists()


def test_a_python_asked_for_by_name_is_not_replaced_by_another(checkout: Path) -> None:
    old = script(checkout, "old", OLD_PYTHON)
    result = make(checkout, "environment", f"PYTHON={old}")
    assert result.returncode != 0
    assert f"{old} is Python 3.9" in result.stderr


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = subprocess.run(
            [sys.executable, ROOT / "scripts/port.py", str(port)], capture_output=True, text=True, timeout=30
        )
    assert result.returncode != 0
    assert result.stderr.startswith(f"Port {port} is taken")
    assert len(result.stderr.splitlines()) == 1
    assert problem(str(free_port())) is None


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1", "85 01"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert "from 1 to 65535" in (problem(port) or "")


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_none_names_a_place_to_get_it_from(file: str) -> None:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]
    for line in lines:
        assert line == "-r requirements.txt" or re.fullmatch(r"[a-z-]+==\d+(\.\d+)+", line), line
    if file == "requirements.txt":
        pins = dict(line.split("==") for line in lines)
        assert (pins["torch"], pins["torchvision"]) == ("2.13.0", "0.28.0")
        assert pins["streamlit"].startswith("1.67.")


def linear_rgb(colour: str) -> np.ndarray:
    """#rrggbb as linear light, (3,) in [0, 1]."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb as WCAG 2 defines it, in [0, 1]."""
    return float(linear_rgb(colour) @ [0.2126, 0.7152, 0.0722])


# What full colour blindness leaves of linear light: Machado, Oliveira, Fernandes 2009, severity 1.
SIGHT = {
    "all colours": np.eye(3),
    "no red": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "no green": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "no blue": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB of linear light, (3,): L in [0, 100], a, b."""
    relative = XYZ @ np.clip(linear, 0, 1) / XYZ.sum(axis=1)  # to D65 white
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_and_colour_distance_are_the_known_ones() -> None:
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=0.02)
    assert lab(linear_rgb("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_streamlit_settings() -> None:
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert settings["client"]["showSidebarNavigation"] is False
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["maxUploadSize"] == 5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_read(theme: str) -> None:
    colours = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["theme"][theme]
    for ground in (colours["backgroundColor"], colours["secondaryBackgroundColor"]):
        for name in ("textColor", "linkColor", "primaryColor"):
            assert contrast(colours[name], ground) >= 4.5, name
        for colour in colours["chartCategoricalColors"]:
            assert contrast(colour, ground) >= 3, colour
    assert contrast(colours["primaryColor"], "#ffffff") >= 3, "the knob of a switch is white on the accent"
    for sight, matrix in SIGHT.items():
        for one, other in itertools.combinations(colours["chartCategoricalColors"], 2):
            apart = np.linalg.norm(lab(matrix @ linear_rgb(one)) - lab(matrix @ linear_rgb(other)))
            assert apart >= 20, f"{one} and {other} look alike with {sight}"  # about ten just noticeable differences


def test_the_theme_names_only_options_that_streamlit_has() -> None:
    import streamlit.config as streamlit_config

    known = streamlit_config.get_config_options()
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())

    def names(table: dict[str, object], prefix: str) -> list[str]:
        return [
            name
            for key, value in table.items()
            for name in (names(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"])
        ]

    assert [name for name in names(settings, "") if name not in known] == []


def test_ci_script_is_bash_that_parses_and_can_be_run() -> None:
    assert subprocess.run(["bash", "-n", ROOT / ".ci/run"], timeout=30).returncode == 0
    assert subprocess.run(["sh", "-n", ROOT / "scripts/environment.sh"], timeout=30).returncode == 0
    assert os.access(ROOT / ".ci/run", os.X_OK)


PROBE = """
import pytest
@pytest.mark.browser
def test_page(): pass
@pytest.mark.full
def test_card(): pass
"""


@pytest.mark.parametrize(("required", "outcome"), [("", "2 skipped"), ("1", "1 skipped, 1 error")])
def test_what_cannot_run_is_skipped_with_its_reason_or_fails_when_required(
    tmp_path: Path, required: str, outcome: str
) -> None:
    shutil.copy(ROOT / "tests/conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_probe.py").write_text(PROBE)
    environment = {name: value for name, value in os.environ.items() if name not in ("AECORE_DATA", "CHROMIUM")}
    environment |= {"PATH": str(tmp_path), "REQUIRE_BROWSER": required, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "-c",
        ROOT / "pyproject.toml",
    ]
    result = subprocess.run(
        [*command, "--rootdir", tmp_path, tmp_path], env=environment, capture_output=True, text=True, timeout=60
    )
    assert outcome in result.stdout, result.stdout + result.stderr
    assert "needs Chromium" in result.stdout
    assert "AECORE_DATA is not set" in result.stdout
