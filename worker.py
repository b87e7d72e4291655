"""The RQ worker's entry point: `python worker.py [QUEUE ...]`.

Without names it serves all queues, what users wait for first. A horse, the forked child that runs one job, watches the
lifeline itself: it may outlive the worker that forked it, but never the supervisor.
"""

from __future__ import annotations

import sys
from importlib import import_module

from rq import Queue, Worker
from rq.job import Job

from webmail import lifeline, queue
from webmail.config import load_config
from webmail.errors import ConfigError
from webmail.process import prepare_process
from webmail.store import session

_WORKER_TTL_S = 30
_MAINTENANCE_S = 10
_MONITORING_S = 5


class MailWorker(Worker):
    """A worker whose horses take nothing over from it that may not be shared."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run one job in the forked child."""
        lifeline.watch(on_end=lambda: None)
        session.dispose_after_fork()
        super().main_work_horse(job, queue)


def main(queue_names: list[str]) -> None:
    """Work until told to stop: SIGTERM lets the running job finish, a second one ends it.

    Raises:
        ConfigError: the environment cannot be used, or a queue is not known.
    """
    known = [queue.SEND, queue.NEWS, queue.MASS, queue.BACKFILL]
    for name in queue_names:
        if name not in known:
            raise ConfigError(f"There is no queue {name!r}; there are {', '.join(known)}.")
    prepare_process(load_config(), "worker")
    lifeline.watch()
    for function, _queue, _timeout_s in queue.JOBS.values():
        # Imported once here, the horses have them by the fork.
        import_module(function.rpartition(".")[0])
    worker = MailWorker(
        queue_names or known,
        connection=queue.connection(),
        serializer="json",
        worker_ttl=_WORKER_TTL_S,
        maintenance_interval=_MAINTENANCE_S,
        job_monitoring_interval=_MONITORING_S,
    )
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ConfigError as problem:
        sys.exit(problem.user_message)
