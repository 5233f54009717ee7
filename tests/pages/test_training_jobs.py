"""The queue of background trainings, without any page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

import aecore
from ui import training_jobs
from ui.training_jobs import Job, Queue

HERE = lambda: True  # noqa: E731


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def counting(to: int) -> Callable[[], Generator[int, None, str]]:
    def work() -> Generator[int, None, str]:
        yield from range(to)
        return "finished"

    return work


class Gate:
    """Work that goes on only when told to, and says that it was closed."""

    def __init__(self) -> None:
        self.open, self.closed = threading.Event(), threading.Event()

    def __call__(self) -> Generator[str, None, str]:
        try:
            yield "begun"
            self.open.wait(20)
            yield "let on"
            return "finished"
        finally:
            self.closed.set()


def test_a_job_reports_and_returns() -> None:
    job = Queue().submit("count", counting(3), HERE)
    wait_for(lambda: not job.active)
    assert (job.state, job.reports, job.result, job.about) == ("done", [0, 1, 2], "finished", "count")


def test_the_second_waits_for_the_first() -> None:
    queue, gate = Queue(), Gate()
    first = queue.submit(1, gate, HERE)
    wait_for(lambda: first.reports == ["begun"])
    second, third = queue.submit(2, counting(1), HERE), queue.submit(3, counting(1), HERE)
    assert [queue.ahead_of(job) for job in (first, second, third)] == [0, 1, 2]
    assert (second.state, second.reports) == ("waiting", [])
    gate.open.set()
    wait_for(lambda: not third.active)
    assert [job.state for job in (first, second, third)] == ["done", "done", "done"]


def test_cancelled_it_ends_at_its_next_report_and_is_closed() -> None:
    queue, gate = Queue(), Gate()
    job = queue.submit(1, gate, HERE)
    wait_for(lambda: job.reports == ["begun"])
    waiting = queue.submit(2, counting(1), HERE)
    waiting.cancel()
    job.cancel()
    gate.open.set()
    wait_for(lambda: not job.active and not waiting.active)
    assert (job.state, waiting.state) == ("cancelled", "cancelled")
    assert gate.closed.is_set()
    assert job.result is None
    assert waiting.reports == []


def test_a_visitor_who_left_trains_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_jobs, "PATIENCE", 0.05)
    here = True

    def endless() -> Generator[int, None, None]:
        while True:
            time.sleep(0.01)
            yield 0

    job = Queue().submit(1, endless, lambda: here)
    wait_for(lambda: len(job.reports) > 20)  # longer than the patience: while one is here, it goes on
    assert job.active
    here = False
    wait_for(lambda: not job.active)
    assert job.state == "cancelled"


def test_a_short_absence_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_jobs, "PATIENCE", 30)
    presence = iter([True, False, False, True])
    job = Queue().submit(1, counting(3), lambda: next(presence))
    wait_for(lambda: not job.active)
    assert job.state == "done"


def test_a_failure_is_kept_and_the_next_job_runs() -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        raise aecore.DivergedError("the loss became nan")

    queue = Queue()
    job, after = queue.submit(1, broken, HERE), queue.submit(2, counting(1), HERE)
    wait_for(lambda: not after.active)
    assert job.state == "failed"
    assert isinstance(job.error, aecore.DivergedError)
    assert after.state == "done"


def test_a_full_queue_says_so_and_cancelled_jobs_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_jobs, "LONGEST_QUEUE", 1)
    queue, gate = Queue(), Gate()
    queue.submit(1, gate, HERE)
    waiting = queue.submit(2, counting(1), HERE)
    with pytest.raises(aecore.TrainingError, match="waiting already"):
        queue.submit(3, counting(1), HERE)
    waiting.cancel()
    assert queue.submit(4, counting(1), HERE).state == "waiting"
    gate.open.set()


def test_the_thread_ends_with_the_last_job_and_begins_again() -> None:
    queue = Queue()
    for _ in range(2):
        job: Any = queue.submit(1, counting(2), HERE)
        wait_for(lambda job=job: not job.active)
        wait_for(lambda: queue._running is None)
    assert isinstance(job, Job)
