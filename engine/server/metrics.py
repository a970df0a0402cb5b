"""What a server counts and measures of itself, for programs that watch it."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import psutil
from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.queue.job import Job
from engine.queue.pool import Pool
from engine.queue.states import ENDED, State
from engine.queue.store import Store
from engine.server.paths import PREFIX
from engine.server.sockets import Sockets

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_JOB_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, float("inf"))
_HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, float("inf"))


class Metrics:
    """One server's figures, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = mine = CollectorRegistry()
        self._ended = Counter("heddle_jobs_ended", "Jobs that ended, by how.", ["outcome"], registry=mine)
        for outcome in ENDED:
            self._ended.labels(outcome)
        self._retries = Counter(
            "heddle_job_retries", "Jobs that wait again because their worker died with them.", registry=mine
        )
        self._waited = Histogram(
            "heddle_job_wait_seconds",
            "From a submit to the job's first start.",
            registry=mine,
            buckets=_JOB_SECONDS,
        )
        self._ran = Histogram(
            "heddle_job_run_seconds", "From a job's last start to its end.", registry=mine, buckets=_JOB_SECONDS
        )
        self._requests = Counter(
            "heddle_http_requests", "Answers, by route.", ["method", "route", "status"], registry=mine
        )
        self._seconds = Histogram(
            "heddle_http_request_seconds",
            "From a request's headers to those of its answer; websockets are left out.",
            ["method", "route"],
            registry=mine,
            buckets=_HTTP_SECONDS,
        )
        # Finding a child by its labels costs more than counting, so those that were asked for are kept.
        self._answers: dict[tuple[str, web.AbstractResource | None, int], tuple[Counter, Histogram | None]] = {}

    def watch(self, store: Store, pool: Pool, sockets: Sockets) -> None:
        """Tell of these as well, as they are whenever somebody asks."""
        self.registry.register(_Now(store, pool, sockets))

    def leased(self, job: Job) -> None:
        """A worker took a job."""
        if job.epoch == 1 and job.started is not None:
            self._waited.observe(max(job.started - job.created, 0))

    def ended(self, job: Job, state: State) -> None:
        """A job that ran ended, or waits again."""
        if state not in ENDED:
            self._retries.inc()
            return
        self._ended.labels(state).inc()
        if job.started is not None:
            self._ran.observe(max(time.time() - job.started, 0))

    def dropped(self, count: int) -> None:
        """So many jobs were cancelled before they ran."""
        self._ended.labels("cancelled").inc(count)

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Counts every answer."""

        @web.middleware
        async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
            begun = time.perf_counter()
            try:
                response = await handler(request)
            except web.HTTPException as answer:
                self._answered(request, answer.status, time.perf_counter() - begun)
                raise
            self._answered(request, response.status, time.perf_counter() - begun)
            return response

        return measure

    def _answered(self, request: web.Request, status: int, seconds: float) -> None:
        key = request.method, request.match_info.route.resource, status
        counter, histogram = self._answers.get(key) or self._labelled(request, key)
        counter.inc()
        if histogram is not None:
            histogram.observe(seconds)

    def _labelled(
        self, request: web.Request, key: tuple[str, web.AbstractResource | None, int]
    ) -> tuple[Counter, Histogram | None]:
        """What counts an answer of this kind. A route that exists twice is told under its prefix."""
        method, resource, status = key
        known = method in hdrs.METH_ALL  # strangers may call theirs what they like
        method = method if known else "other"
        paths = {each.canonical for each in request.app.router.resources()}
        path = "" if resource is None else resource.canonical
        route = PREFIX + path if PREFIX + path in paths else path
        timed = None if status == HTTPStatus.SWITCHING_PROTOCOLS else self._seconds.labels(method, route)
        made = self._requests.labels(method, route, str(status)), timed
        if known:
            self._answers[key] = made
        return made


class _Now(Collector):
    """Figures that nobody counts, because they can be looked up."""

    def __init__(self, store: Store, pool: Pool, sockets: Sockets) -> None:
        self._store, self._pool, self._sockets = store, pool, sockets
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("heddle_jobs", "Jobs of the queue and the history, by state.", labels=["state"])
        for state, count in self._store.read.counts().items():
            jobs.add_metric([state], count)
        yield jobs
        paused = self._store.read.paused()
        yield GaugeMetricFamily("heddle_queue_paused", "1 while nothing new is started.", value=paused)
        up = GaugeMetricFamily("heddle_worker_up", "1 while the worker takes jobs.", labels=["worker"])
        restarts = CounterMetricFamily(
            "heddle_worker_restarts", "How often a worker was replaced after it ended.", labels=["worker"]
        )
        for lane in list(self._pool.lanes):
            up.add_metric([lane.name], lane.ready)
            restarts.add_metric([lane.name], max(lane.starts - 1, 0))
        yield up
        yield restarts
        yield self._held()
        yield GaugeMetricFamily("heddle_websockets", "Open websockets.", value=len(self._sockets))
        yield CounterMetricFamily(
            "heddle_websockets_dropped", "Clients that did not read what they were sent.", value=self._sockets.dropped
        )
        yield from self._of_the_process()

    def _held(self) -> Metric:
        """What workers hold; what networks share counts once, so weights are what is left of all that is held."""
        held = GaugeMetricFamily(
            "heddle_worker_held_bytes",
            "Memory that the worker holds on its device and in RAM, by what it holds there.",
            labels=["worker", "where", "kind"],
        )
        for lane in list(self._pool.lanes):
            if (device := lane.device) is None:
                continue
            own, on = device["heddle"], "ram" if device["type"] == "cpu" else "device"
            for where, account in ((on, own), ("ram", own["ram"])):
                if account is not None:
                    for kind, size in _by_kind(account).items():
                        held.add_metric([lane.name, where, kind], size)
        return held

    def _of_the_process(self) -> Iterator[Metric]:
        with self._process.oneshot():
            cpu = self._process.cpu_times()
            yield CounterMetricFamily(
                "process_cpu_seconds", "Time on the processor, the workers' left out.", value=cpu.user + cpu.system
            )
            yield GaugeMetricFamily(
                "process_resident_memory_bytes", "Memory of the server.", value=self._process.memory_info().rss
            )
            yield GaugeMetricFamily(
                "process_start_time_seconds", "When the server started.", value=self._process.create_time()
            )


def _by_kind(account: Mapping[str, Any]) -> dict[str, int]:
    """Bytes of an account: results, work, and weights, which are the rest."""
    sizes = {"results": 0, "work": 0}
    for share in account["shares"]:
        if share["kind"] != "weights":
            sizes[share["kind"]] = sizes.get(share["kind"], 0) + share["near"]
    return {**sizes, "weights": max(account["held"] - sum(sizes.values()), 0)}
