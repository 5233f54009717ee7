"""Takes the pictures of every page that the README shows, from the running app: wide and phone, light and dark.

    python -m scripts.screenshots [--page compress] [--out docs] [--full] [--url http://localhost:8501]

Writes NAME.png (wide, light), NAME-dark.png, NAME-phone.png and NAME-phone-dark.png, NAME being the page's. It knows
the pages by their files alone: app.py is "home", pages/4_Latent_space.py is "latent-space".
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import ROOT, launch_chromium, serve, wait_until_idle

SIZES = {"": {"width": 1280, "height": 860}, "-phone": {"width": 390, "height": 844}}
SCHEMES: dict[str, Literal["light", "dark"]] = {"": "light", "-dark": "dark"}
TALLEST = 6000  # pixels, of a --full picture


def pages(root: Path = ROOT) -> dict[str, str]:
    """The name of each page -> its path in the address, in the order of the menu.

    >>> pages()["home"]
    ''
    """
    found = {"home": ""}
    for file in sorted((root / "pages").glob("*.py")):
        path = re.sub(r"^\d+[_ -]*", "", file.stem)  # as Streamlit reads the number before a page's name
        found[path.lower().replace("_", "-")] = path
    return found


def show_all(page: Page) -> None:
    """Make the window as tall as the page is. The page scrolls inside a container of its own, not in the window."""
    height = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll('*')].map(
            e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowY) && e.clientHeight > innerHeight / 2
                 ? e.scrollHeight : 0), innerHeight)"""
    )
    size = page.viewport_size or SIZES[""]
    page.set_viewport_size({"width": size["width"], "height": min(int(height), TALLEST)})
    wait_until_idle(page)


def pictures(browser: Browser, address: str, path: str, full: bool) -> Iterator[tuple[str, bytes]]:
    """The ending of the file name and the PNG of one page, for each size and colour scheme."""
    for size_ending, size in SIZES.items():
        for scheme_ending, scheme in SCHEMES.items():
            context = browser.new_context(
                viewport={"width": size["width"], "height": size["height"]},
                color_scheme=scheme,
                is_mobile=bool(size_ending),
                has_touch=bool(size_ending),
                device_scale_factor=2 if size_ending else 1,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(f"{address}/{path}")
            wait_until_idle(page)
            if full:
                show_all(page)
            yield size_ending + scheme_ending, page.screenshot(animations="disabled", caret="hide")
            context.close()


def smaller(png: bytes) -> bytes:
    """The same picture in a palette of 256 colours: a third of the bytes, and no difference one sees on these pages."""
    packed = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return min(packed.getvalue(), png, key=len)


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and write the pictures."""
    known = pages()
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--page", choices=list(known), action="append", help="this page only (may be repeated)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder to write to (default: docs)")
    parser.add_argument("--full", action="store_true", help="the whole length of the page, not the first screenful")
    parser.add_argument("--url", help="take them from this server instead of starting one")
    options = parser.parse_args(arguments)

    options.out.mkdir(parents=True, exist_ok=True)
    server = nullcontext(options.url.rstrip("/")) if options.url else serve()
    with server as address, sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        for name in options.page or known:
            for ending, png in pictures(browser, address, known[name], options.full):
                file = options.out / f"{name}{ending}.png"
                file.write_bytes(smaller(png))
                print(file, file=sys.stderr)
        browser.close()


if __name__ == "__main__":
    main()
