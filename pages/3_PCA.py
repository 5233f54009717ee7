"""PCA: a linear autoencoder, trained in front of the audience, becomes principal component analysis."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui import frame, linear_charts, linear_training, resources, share, training_jobs
from ui.linear_training import ACTIVATIONS, SIZES, Progress, Settings
from ui.training_jobs import Job

JOB = "linear training"  # in the session


def turn_dials() -> Settings:
    """What to train. Another setting is another network: its training is started anew."""
    with st.container(key="dials"):
        size, kind = st.columns([2, 1], gap="medium", vertical_alignment="bottom")
    bound = {"bind": "query-params", "on_change": partial(share.drop, "train")}
    code = size.select_slider("Numbers in the code", SIZES, value=32, key="code", **bound)
    activation = kind.selectbox("Activation", ACTIVATIONS, key="activation", **bound)
    curved = activation != "linear"
    with st.container(horizontal=True, key="switches"):
        bias = st.toggle(
            "Biases", key="bias", help="Add a number to each unit: with them it can learn the mean.", **bound
        )
        centred = st.toggle(
            "Centre first", True, key="centre", disabled=curved, help="Subtract the mean digit, as PCA does.", **bound
        )
        tied = st.toggle("Tied", key="tied", help="The decoder uses the encoder's weights, transposed.", **bound)
        orthogonal = st.toggle(
            "Orthogonal", key="orthogonal", disabled=curved, help="Weights stay at right angles, of length 1.", **bound
        )
        ordered = st.toggle(
            "Nested", key="nested", help="Nested dropout: any first k numbers must do. It puts them in order.", **bound
        )
    return Settings(code, activation, bias, centred, tied, orthogonal, ordered).cleaned()


def start(settings: Settings) -> None:
    """Put the training into the queue, and into the address."""
    share.put("train", 1)
    training_jobs.start(JOB, settings, partial(linear_training.train, settings))


def cancel(job: Job) -> None:
    """Stop it, and do not start it again by the link."""
    share.drop("train")
    job.cancel()


def call_to_action(settings: Settings, job: Job | None) -> None:
    """What would be trained, and the button."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        stopped = "Stopped. " if job is not None and job.state == "cancelled" else ""
        st.markdown(f"{stopped}{linear_training.plan(settings)}", width="stretch")
        st.button("Train", icon=":material/play_arrow:", type="primary", key="start", on_click=start, args=(settings,))


def watch(job: Job) -> None:
    """The training as it goes; the page around it runs again once it is over."""
    reports = list(job.reports)
    part = reports[-1].step / reports[-1].steps if reports else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        text = training_jobs.place_in_queue(job) if job.state == "waiting" else f"Training: {part:.0%}"
        st.progress(part, text if reports or job.state == "waiting" else "Reading the digits.", width="stretch")
        st.button("Stop", icon=":material/stop:", key="stop", on_click=cancel, args=(job,))
    if reports:
        show_curves(reports)
    if not job.active:
        st.rerun()


def show_curves(reports: list[Progress]) -> None:
    """Figures and curves, live and afterwards alike."""
    st.html(linear_charts.figures_html(reports[-1]))
    st.markdown(linear_charts.curves_html(reports), unsafe_allow_html=True)  # st.html would leave out the SVG


def show_result(job: Job) -> None:
    """What came of it."""
    settings, trained = job.about, job.result
    st.html(f'<p class="ae-verdict">{linear_training.verdict(settings, job.reports[-1], trained)}</p>')
    show_curves(job.reports)
    st.header("The same pictures?" if settings.linear else "What comes back", anchor=False)
    st.html(linear_charts.reconstructions_html(trained))
    st.caption(
        f"Trained on {trained.digits:,} digits; error on {trained.judged:,} others: network {trained.error:.5f}, PCA "
        f"{trained.pca_error:.5f}, pixels clipped to [0, 1]. {trained.parameters:,} parameters."
    )
    if settings.linear:
        st.header("The same subspace, another basis", anchor=False)
        st.markdown(
            "Each picture is a column of the decoder: what one code number draws. Gradient descent finds PCA's "
            "subspace, and any basis of it will do. The principal components *of its own reconstructions* give the "
            "rotation (Plaut 2018); after it the columns are the eigendigits, to a smallest cosine of "
            f"{min(trained.cosines):.4f} (as trained: {min(trained.straight):.4f})."
        )
        st.html(linear_charts.weights_html(trained, settings.ordered))
    with st.expander("Show the code", icon=":material/code:"):
        st.code(linear_training.code_lines(settings, linear_training.sample_is_trained_on()), language="python")
    with st.container(horizontal=True):
        download = partial(st.download_button, on_click="ignore", icon=":material/download:")
        download("Pictures", partial(linear_charts.picture, trained), "pca.png", key="picture")
        download("Training as CSV", partial(linear_training.history_csv, job.reports), "training.csv", key="csv")


def show_variance() -> None:
    """The lecture's question, answered on the curve of PCA's card."""
    parts = resources.card("pca").get("explained")
    if not parts:
        st.info("The card of PCA says nothing about the variance; `python -m aecore train pca` writes it anew.")
        return
    question = st.empty()
    percent = st.slider("Part of the information, in percent", 10, 99, 75, key="part", bind="query-params")
    question.header(f"Which layer holds {percent} % of the information?", anchor=False)
    needed, text = linear_charts.layer_in_words(parts, percent / 100)
    st.markdown(text)
    st.plotly_chart(
        linear_charts.explained_variance(parts, percent / 100, needed),
        config={"displayModeBar": False},
        key="variance",
        alt="Variance carried by the first k principal components together, rising, and by each alone. " + text,
    )


def show_why() -> None:
    """What the design choices cost, from the card."""
    card = resources.card("pca")
    if tables := linear_charts.why_tables(card):
        st.header("Why symmetric, tied, without biases?", anchor=False)
        st.html(tables)
        st.caption(
            "From PCA's card, 32 numbers. Linear: on the training digits, by full-batch descent. With hidden layers: "
            "five passes each, error on 10,000 test digits. Processor: seconds of one core. To measure again: "
            f"`{card.get('command')}`"
        )


with frame.page("PCA"):
    settings = turn_dials()
    job = training_jobs.job(JOB)
    if job is not None and job.about != settings:
        job.cancel()
        job = None
    with frame.friendly():
        if job is None and share.text("train") == "1":
            start(settings)
            job = training_jobs.job(JOB)
        if job is None or job.state == "cancelled":
            call_to_action(settings, job)
        elif job.active:
            st.fragment(watch, run_every=training_jobs.POLL)(job)
        elif job.state == "failed":
            st.error(str(job.error), icon=":material/error:")
            call_to_action(settings, job)
        else:
            show_result(job)
    with st.expander("Why the covariance is enough", icon=":material/function:"):
        st.markdown(
            "The mean squared error of a linear autoencoder over all digits, centred, depends on them through their "
            "covariance $C$ alone: $\\operatorname{tr} C - 2\\operatorname{tr}(D^\\top C E^\\top) "
            "+ \\operatorname{tr}(D^\\top D\\,E C E^\\top)$, with encoder $E$ and decoder $D$; digits as they are add "
            "a term for their mean. So each step here takes exactly the gradient of *all* digits at once, at the price "
            "of a 784 × 784 matrix. No eigenvector enters it: those are computed apart, for the comparison."
        )
    with frame.friendly():
        show_variance()
    with frame.friendly():
        show_why()
