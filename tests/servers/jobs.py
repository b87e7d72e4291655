"""Run enqueued jobs in the test process, one after another, as a worker would."""

from __future__ import annotations

import time

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job

from webmail import queue


def run_jobs(*, timeout_s: float = 60.0) -> list[str]:
    """Run all jobs, in the order of their queues, until none is left; what a job raises is raised here.

    Returns:
        The ids of the jobs that ran, in order.

    Raises:
        TimeoutError: jobs go on making jobs.
    """
    deadline = time.monotonic() + timeout_s
    ran: list[str] = []
    while (job := _next_job()) is not None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"jobs without end: {ran[-10:]}")
        try:
            job.func(*job.args)
        finally:
            job.delete()
        ran.append(job.id)
    return ran


def waiting_jobs() -> list[str]:
    """Give the ids of the jobs that wait, in the order in which they would run."""
    return [job_id for each in _queues() for job_id in each.job_ids]


def _queues() -> list[Queue]:
    names = (queue.SEND, queue.NEWS, queue.MASS, queue.BACKFILL)
    return [Queue(name, connection=queue.connection(), serializer="json") for name in names]


def _next_job() -> Job | None:
    for each in _queues():
        while job_id := queue.connection().lpop(each.key):
            try:
                return Job.fetch(job_id.decode(), connection=queue.connection(), serializer="json")
            except NoSuchJobError:
                continue
    return None
