"""How fast the pages are, beside a Streamlit page that does nothing but show one image.

    python -m benchmarks.page_speed [--starts 5] [--steps 30] [--json]

Three figures: from the start of the server to the first painted Home page; from a dial step on Compress to the new
picture in Chromium; and the computing time of one digit through the page's own path. Both pages are measured in turn,
in the same run, and the medians are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import ROOT, launch_chromium, serve, wait_until_idle

BARE = """
import numpy as np
import streamlit as st

k = st.slider("Dial", 1, 64, 32)
pixels = np.full((28, 28), k * 3, np.uint8)
st.image(pixels, width=280, caption=f"{k}")
"""
# Leaves a promise of the milliseconds from the next key press until the picture has changed and a frame was painted.
WATCH = """selector => {
    const picture = () => document.querySelector(selector)?.src;
    const before = picture();
    let start;
    addEventListener('keydown', () => { start = performance.now(); }, { capture: true, once: true });
    window.nextPicture = new Promise((resolve) => {
        const watcher = new MutationObserver(() => {
            const now = picture();
            if (!now || now === before) return;
            watcher.disconnect();
            requestAnimationFrame(() => resolve(performance.now() - start));
        });
        watcher.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['src'] });
    });
}"""


def first_paint(browser: Browser, script: Path, seen: str) -> float:
    """Seconds from starting the server until an element of the page is visible in a fresh profile."""
    start = time.perf_counter()
    with serve(script) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(seen, state="visible")
        seconds = time.perf_counter() - start
        context.close()
    return seconds


def step(page: Page, picture: str, place: int) -> float:
    """Milliseconds from one dial step to the new picture."""
    page.get_by_role("slider").first.focus()
    page.evaluate(WATCH, picture)
    page.keyboard.press("ArrowLeft" if place % 2 == 0 else "ArrowRight")
    milliseconds = float(page.evaluate("window.nextPicture"))
    page.wait_for_timeout(400)  # the rest of the page comes to rest before the next step
    return milliseconds


def computing(repeats: int = 200) -> dict[str, float]:
    """Milliseconds of computing and drawing one digit, as the page does after a dial step: by the clock, and of the
    processor alone, which does not grow where the machine is busy with something else."""
    from ui import comparison, compression, resources

    digit = resources.digits().images[0]
    clock, processor = [], []
    for place in range(repeats):
        dials = compression.Dials(k=place % 64 + 1, bits=8, ordered=True)
        start, busy = time.perf_counter(), time.thread_time()
        result = compression.compress(digit, dials)
        comparison.comparison_html(result, compression.verdict(result), "a digit")
        clock.append(1e3 * (time.perf_counter() - start))
        processor.append(1e3 * (time.thread_time() - busy))
    return {"clock": statistics.median(clock[10:]), "processor": statistics.median(processor[10:])}


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--starts", type=int, default=5, help="server starts of each page")
    parser.add_argument("--steps", type=int, default=30, help="dial steps on each page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE, encoding="utf-8")
        browser = launch_chromium(playwright)
        starts: dict[str, list[float]] = {"bare": [], "home": []}
        for _ in range(options.starts):
            starts["bare"].append(first_paint(browser, bare, "img"))
            starts["home"].append(first_paint(browser, ROOT / "app.py", ".ae-drawing"))
        steps: dict[str, list[float]] = {"bare": [], "compress": []}
        with serve(bare) as bare_address, serve() as address:
            pages = {"bare": browser.new_page(), "compress": browser.new_page()}
            pages["bare"].goto(bare_address)
            pages["compress"].goto(f"{address}/Compress?ordered=true")
            for page in pages.values():
                wait_until_idle(page)
            seen = {"bare": "[data-testid=stImage] img", "compress": ".ae-pictures figure:nth-child(3) img"}
            for place in range(options.steps + 2):
                for name, page in pages.items():
                    steps[name].append(step(page, seen[name], place))
        browser.close()

    middle = {name: statistics.median(times) for name, times in starts.items()}
    dial = {name: statistics.median(times[2:]) for name, times in steps.items()}
    figures = {
        "start_seconds": {**middle, "ratio": middle["home"] / middle["bare"]},
        "dial_step_milliseconds": {**dial, "ratio": dial["compress"] / dial["bare"]},
        "computing_milliseconds": computing(),
    }
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        print()
        return
    print(f"server start to painted page: bare {middle['bare']:.2f} s, Home {middle['home']:.2f} s, ", end="")
    print(f"{figures['start_seconds']['ratio']:.2f} times (goal 1.3)")
    print(f"dial step to new picture: bare {dial['bare']:.0f} ms, Compress {dial['compress']:.0f} ms, ", end="")
    print(f"{figures['dial_step_milliseconds']['ratio']:.2f} times (goal 1.3)")
    digit = figures["computing_milliseconds"]
    print(
        f"computing and drawing one digit: {digit['clock']:.2f} ms, {digit['processor']:.2f} of them computing (goal 5)"
    )


if __name__ == "__main__":
    main()
