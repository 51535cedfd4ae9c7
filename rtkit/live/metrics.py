"""The report of the running stream as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rtkit.core.report import Report
from rtkit.live.session import Session


def as_text(session: Session, pages: int, refused: Mapping[str, int]) -> str:
    """All metrics, each with its help and type."""
    registry = CollectorRegistry()
    registry.register(_Fixed([*_of_server(session, pages, refused), *(_of_report(session.report) if session.report is not None else ())]))
    return generate_latest(registry).decode()


class _Fixed(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_server(session: Session, pages: int, refused: Mapping[str, int]) -> Iterable[Metric]:
    yield GaugeMetricFamily("rtkit_running", "1 while a stream runs.", value=session.state in ("running", "paused"))
    yield GaugeMetricFamily("rtkit_pages", "Pages that look on.", value=pages)
    counter = CounterMetricFamily("rtkit_refused", "Requests refused.", labels=["reason"])
    for reason, count in refused.items():
        counter.add_metric([reason], count)
    yield counter


def _of_report(report: Report) -> Iterable[Metric]:
    yield CounterMetricFamily("rtkit_items", "Blocks or frames processed.", value=report.items)
    yield CounterMetricFamily("rtkit_samples", "Samples processed.", value=report.samples)
    yield CounterMetricFamily("rtkit_stream_seconds", "Stream time processed.", value=report.stream_s)
    yield CounterMetricFamily("rtkit_busy_seconds", "Time spent inside the steps.", value=report.busy_s)
    yield CounterMetricFamily("rtkit_events", "Events found.", value=report.events)
    yield CounterMetricFamily("rtkit_non_finite", "Values that were NaN or infinite.", value=report.non_finite)
    yield CounterMetricFamily("rtkit_deadline_misses", "Items that took longer than they last.", value=report.deadline_misses)
    yield GaugeMetricFamily("rtkit_real_time_factor", "Wall time over stream time.", value=report.real_time_factor)
    counts = CounterMetricFamily("rtkit_counts", "What sources and sinks counted.", labels=["place", "what"])
    for place, found in report.counts.items():
        for what, count in found.items():
            counts.add_metric([place, what], count)
    yield counts
    latency = GaugeMetricFamily("rtkit_latency_seconds", "Delay by where it arises.", labels=["part"])
    for part, milliseconds in report.latency_ms.items():
        latency.add_metric([part], milliseconds / 1e3)
    yield latency
    times = GaugeMetricFamily("rtkit_step_seconds", "Time that a step takes for an item.", labels=["step", "quantile"])
    for step in report.steps:
        for quantile, microseconds in (("0.5", step.p50_us), ("0.99", step.p99_us), ("1", step.max_us)):
            times.add_metric([step.name, quantile], microseconds / 1e6)
    yield times
