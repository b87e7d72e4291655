"""What Prometheus reads: this process's requests, and how much waits in database and queue. No names, no ids.

`metrics_of()` measures when it is asked, so what is shown is never old, and nothing is measured for nobody.
"""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Iterator

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from webmail import queue
from webmail.store.metrics import figures
from webmail.store.models import utc_now
from webmail.store.session import reading

_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
_STREAMS = frozenset({"events.stream"})
"""They last for as long as their pages are open."""
_registry = CollectorRegistry()
_REQUESTS = Counter("webmail_requests", "Answers.", ["endpoint", "method", "status"], registry=_registry)
_SECONDS = Histogram(
    "webmail_request_seconds",
    "Until an answer began.",
    ["endpoint"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=_registry,
)


class _Figures(Collector):
    """What is counted at the moment of the asking."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with reading() as s:
            found = figures(s, utc_now())
        yield _gauge("webmail_accounts", "Mailboxes.", "status", found.accounts)
        yield _gauge("webmail_submissions", "Mails that have not left for certain.", "state", found.submissions)
        yield _gauge("webmail_mailings", "Mailings.", "state", found.mailings)
        yield _gauge("webmail_webhook_deliveries", "Webhook deliveries of the last 30 days.", "state", found.deliveries)
        yield GaugeMetricFamily("webmail_overdue_seconds", "Of the mail that is most late.", found.overdue_s)
        yield _gauge("webmail_jobs", "Jobs that wait.", "queue", queue.waiting_jobs())


def _gauge(name: str, about: str, label: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


_registry.register(_Figures())
ProcessCollector(registry=_registry)


def metrics() -> bytes:
    """Write all of it in Prometheus' text format."""
    return generate_latest(_registry)


def may_read(token: str) -> bool:
    """Say whether whoever asks may: by the operator's token, or from this machine with no proxy in between.

    Args:
        token: the operator's; "" where there is none.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return True
    if any(name in request.headers for name in _FORWARDED):
        return False  # what comes through a proxy of this machine comes from it, whoever has asked the proxy
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def count_requests(app: Flask) -> None:
    """Count each answer of an application."""
    app.before_request(_begin)
    app.after_request(_count)


def _begin() -> None:
    g.begun = time.perf_counter()


def _count(response: Response) -> Response:
    # Addresses that are none have one name: whoever tries them must not make the list longer.
    endpoint = request.endpoint or "none"
    method = request.method if request.endpoint else "any"
    _REQUESTS.labels(endpoint, method, str(response.status_code)).inc()
    if "begun" in g and endpoint not in _STREAMS:
        _SECONDS.labels(endpoint).observe(time.perf_counter() - g.begun)
    return response
