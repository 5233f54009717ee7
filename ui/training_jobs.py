"""Training in the background: one queue a server, one job at a time, each to be watched and cancelled.

It knows no page and no network: a job is any generator that yields reports and returns a result.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Literal

import streamlit as st
from streamlit.runtime import Runtime, exists
from streamlit.runtime.scriptrunner import get_script_run_ctx

import aecore

PATIENCE = 15  # seconds without its visitor after which a job ends: a phone that changes networks is away for less
LONGEST_QUEUE = 20  # jobs
POLL = 0.5  # seconds between two looks of a page at its job

Work = Callable[[], Generator[Any, None, Any]]
State = Literal["waiting", "running", "done", "cancelled", "failed"]


class Job:
    """One training: reports as they come, and what became of it.

    Attributes
    ----------
    about : object
        What it trains, for the page that asked: two jobs about equal things do the same.
    state : str
        "waiting", "running", "done", "cancelled" or "failed".
    reports : list
        What the generator has yielded so far.
    result : object
        What it returned, once done.
    error : Exception or None
        Why it failed.
    """

    def __init__(self, about: Any, work: Work, present: Callable[[], bool]) -> None:
        self.about = about
        self.state: State = "waiting"
        self.reports: list[Any] = []
        self.result: Any = None
        self.error: Exception | None = None
        self._work: Work | None = work
        self._present = present
        self._seen = time.monotonic()
        self._wanted = True

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")

    def cancel(self) -> None:
        """Ask it to end; it does so at its next report."""
        self._wanted = False

    def run(self) -> None:
        """Train to the end, unless nobody wants it any more. The queue calls this, in its own thread."""
        work, self._work = self._work, None
        if work is None or not self._is_wanted():
            self.state = "cancelled"
            return
        self.state = "running"
        steps = work()
        try:
            while True:
                self.reports.append(next(steps))
                if not self._is_wanted():
                    self.state = "cancelled"
                    return
        except StopIteration as finished:
            self.result = finished.value
            self.state = "done"
        except Exception as error:  # whatever it is, the page says it, and the next job runs
            self.error = error
            self.state = "failed"
        finally:
            steps.close()

    def _is_wanted(self) -> bool:
        now = time.monotonic()
        if self._present():
            self._seen = now
        return self._wanted and now - self._seen <= PATIENCE


class Queue:
    """Jobs, one after the other, in a thread that lives while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None

    def submit(self, about: Any, work: Work, present: Callable[[], bool]) -> Job:
        """Put a job at the end of the queue.

        Parameters
        ----------
        about : object
            What it trains.
        work : callable
            Returns the generator that trains; called in the queue's thread.
        present : callable
            Whether the visitor who wants it is still there.

        Raises
        ------
        TrainingError
            If too many are waiting.
        """
        job = Job(about, work, present)
        with self._lock:
            self._waiting = deque(other for other in self._waiting if other._wanted)
            if len(self._waiting) >= LONGEST_QUEUE:
                raise aecore.TrainingError(f"{LONGEST_QUEUE} trainings are waiting already; try again in a minute")
            self._waiting.append(job)
            if self._running is None:
                self._running = self._waiting.popleft()
                threading.Thread(target=self._run, name="training", daemon=True).start()
        return job

    def ahead_of(self, job: Job) -> int:
        """How many jobs run or wait before this one."""
        with self._lock:
            if job not in self._waiting:
                return 0
            return self._waiting.index(job) + (self._running is not None)

    def _run(self) -> None:
        while self._running is not None:
            self._running.run()
            with self._lock:
                self._running = self._waiting.popleft() if self._waiting else None


@st.cache_resource(show_spinner=False)
def queue() -> Queue:
    """The server's queue."""
    return Queue()


def start(key: str, about: Any, work: Work) -> Job:
    """Start a training for this visitor, in place of the one of theirs under the same key; raises as `Queue.submit`."""
    if (before := job(key)) is not None:
        before.cancel()
    st.session_state[key] = queue().submit(about, work, _visitor())
    return st.session_state[key]


def job(key: str) -> Job | None:
    """The latest training of this visitor under a key."""
    return st.session_state.get(key)


def _visitor() -> Callable[[], bool]:
    """A function that says whether the visitor whose script runs now is still connected."""
    context = get_script_run_ctx()
    if context is None or not exists():  # a test without a server
        return lambda: True
    session, runtime = context.session_id, Runtime.instance()
    return lambda: runtime.is_active_session(session)


def place_in_queue(waiting: Job) -> str:
    """What a visitor whose job waits is told."""
    ahead = queue().ahead_of(waiting)
    if ahead == 0:
        return "Starting."
    others = "One other training runs" if ahead == 1 else f"{ahead} other trainings run or wait"
    return f"{others} on this server; yours begins after."
