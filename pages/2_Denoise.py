"""Denoise: a digit, damaged; what a network trained on noise makes of it, and who else can do that."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import aecore
from ui import denoising, denoising_view, frame, share
from ui.components.damage_brush import damage_brush
from ui.denoising import Comparison, Damage
from ui.digit_input import ChosenDigit, digit_input

PAINT = 0.06  # seconds that the browser gets to paint the pictures before the charts keep it busy
SEEDS = 1_000_000
NETWORK_NUMBERS = 32  # in the code of the plain autoencoder


def choose_damage(digit: ChosenDigit) -> Damage | None:
    """Noise of a kind, a strength and a seed; or what one paints over the digit."""
    with st.container(key="damage-kind"):
        by = st.segmented_control(
            "How the digit is damaged",
            ["noise", "paint it yourself"],
            default="noise",
            required=True,
            key="damage",
            bind="query-params",
            label_visibility="collapsed",
        )
    if by == "paint it yourself":
        return paint(digit)
    with st.container(key="dials"):
        kinds, dial, again = st.columns([4, 5, 2], gap="medium", vertical_alignment="bottom")
    kind = kinds.selectbox("Noise", list(denoising.NAMES), key="noise", bind="query-params")
    strength = dial.slider("Strength", 0.05, 1.0, 0.5, 0.05, key="strength", bind="query-params")
    again.button("Redraw", icon=":material/casino:", on_click=redraw, help="The same noise, drawn anew", key="redraw")
    damage = Damage(denoising.NAMES[kind], strength, share.whole_number("seed", 0, SEEDS - 1) or 0)
    unseen = "" if damage.known else " The denoiser was not trained on this one."
    st.caption(f"{damage.meaning[0].upper()}{damage.meaning[1:]}.{unseen}")
    return damage


def redraw() -> None:
    """Another seed for the noise."""
    share.put("seed", ((share.whole_number("seed", 0, SEEDS - 1) or 0) + 1) % SEEDS)


def paint(digit: ChosenDigit) -> Damage | None:
    """Damage by hand; None where nothing is painted yet."""
    packed, linked = share.text("paint"), None
    if packed is not None:
        try:
            linked = aecore.unpack_digit(packed)
        except aecore.PictureError as error:
            share.drop("paint")
            st.warning(f"The paint in this link could not be read: {error}.", icon=":material/link_off:")
    painted = damage_brush("brush", digit.image, linked)
    if painted is None:
        share.drop("paint")
        return None
    packed = aecore.pack_digit(painted)
    share.put("paint", packed)
    return denoising.painted(painted, packed)


def show_result(digit: ChosenDigit, result: Comparison) -> None:
    """Pictures, figures, the same in Python, files to keep."""
    st.html(denoising_view.comparison_html(result, denoising.verdict(result), digit.title))
    with st.expander("All methods on this digit", icon=":material/table_rows:"):
        st.html(denoising_view.table_html(result))
    with st.expander("Show the code", icon=":material/code:"):
        st.code(denoising.code_lines(digit.lines, result.damage), language="python")
    with st.container(horizontal=True):
        download = partial(st.download_button, on_click="ignore", icon=":material/download:")
        download("Download picture", partial(denoising_view.comparison_png, result), "denoised.png", key="picture")
        download("Download figures (CSV)", partial(denoising.figures_csv, result), "figures.csv", key="csv")


def show_curve(damage: Damage) -> None:
    """PSNR over strength of every method, and who wins where; then both headlines."""
    st.header("Who wins where?", anchor=False)
    told = "" if damage.paint is None else " What you paint has no curve; it is nearest to this one."
    st.markdown(f"**{damage.name}:** mean PSNR over strength.{told}")
    curves = denoising.curves(damage.noise)
    here = [(damage.strength, denoising.at(curve, damage.strength)) for curve in curves if curve.name == "denoiser"]
    st.plotly_chart(
        denoising_view.strength_curves(curves, here if damage.paint is None else []),
        config={"displayModeBar": False},
        key="curve",
        alt=f"{damage.name}: PSNR over strength, for each method. "
        + " ".join(f"{curve.title}: {curve.psnr[0]:.1f} to {curve.psnr[-1]:.1f} dB." for curve in curves),
    )
    st.markdown(denoising.who_wins())
    with st.expander("Measured on all test digits", icon=":material/table_rows:"):
        st.html(denoising_view.headlines_html(denoising.headlines()))
    st.caption(
        f"From the denoiser's card: the curves on {denoising.curve_digits()} test digits, the table on 10,000. Each "
        "filter was tuned and its greys calibrated on training digits, for each noise and each tenth of strength. To "
        "measure them again: `python -m aecore evaluate denoiser`"
    )


def show_identity(result: Comparison) -> None:
    """The overcomplete network beside the bottleneck and the denoiser."""
    st.header("Giving back what one gets is useless", anchor=False)
    copied = denoising.overcomplete(result.image, result.damage)
    st.html(
        denoising_view.identity_html(
            result.noisy,
            [
                (copied, "survives 1,024 numbers and no bottleneck"),
                (result.plain, f"survives a bottleneck of {NETWORK_NUMBERS} numbers"),
                (result.denoiser, "survives training on noise"),
            ],
        )
    )
    known = [(name, denoising.survival_on_card(name)) for name in ("overcomplete", "plain", "denoiser")]
    shares = [f"{denoising.share(left)} ({name})" for name, left in known if left is not None]
    st.markdown(
        "A network with room for every pixel learns to copy, and copies the noise with the digit. A bottleneck lets "
        "less through. Only the network that was shown noise, and asked for the clean digit, has to know which is "
        "which. **As there is no pattern to noise, a network that recreates it has overfitted.**"
        + (f" What survives of Gaussian noise 0.5 on 1,000 test digits: {', '.join(shares)}." if shares else "")
    )


@st.fragment
def explore(digit: ChosenDigit, identity: DeltaGenerator, curve: DeltaGenerator) -> None:
    """All that follows the damage: a step runs this alone, and sends the pictures first."""
    damage = choose_damage(digit)
    with frame.friendly():
        result = denoising.compare(digit.image, damage or Damage())
        if damage is None:
            st.info("Paint over the digit, and see here who can mend it.", icon=":material/brush:")
        else:
            show_result(digit, result)
        time.sleep(PAINT)
        with identity:
            show_identity(result)
    with frame.friendly(), curve:
        show_curve(damage or Damage())


with frame.page("Denoise"):
    left, right = st.columns([4, 9], gap="medium")
    identity, curve = st.container(), st.container()
    with left:
        digit = digit_input()
    with right:
        if digit is None:
            st.info("Draw or upload a digit, damage it, and see here who can mend it.", icon=":material/draw:")
        else:
            explore(digit, identity, curve)
