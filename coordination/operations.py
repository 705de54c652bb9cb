"""Is it alive, can it serve, what does it count: /healthz, /readyz and /metrics."""

from __future__ import annotations

import hmac
from datetime import datetime

from flask import Flask, Response, jsonify, request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from alerts import inspecting
from alerts.alert import OPEN, Alert
from committees.incidents import Incident
from coordination import probing, pulse
from coordination.probing import Probe
from coordination.runtime import Runtime
from foundation.clock import SystemClock
from foundation.migrate import is_current
from foundation.outbox import STATES, OutboxMessage
from foundation.policy import service


def register(app: Flask, runtime: Runtime) -> None:
    """Put the three addresses on the map."""

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        checks = ready(runtime)
        good = all(value == "ok" for value in checks.values())
        return jsonify(status="ready" if good else "not ready", checks=checks), 200 if good else 503

    @app.get("/metrics")
    def metrics() -> Response:
        token = runtime.config.metrics_token
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        local = request.remote_addr in ("127.0.0.1", "::1")
        if not (local and token is None) and not (
            token and hmac.compare_digest(token.encode(), sent.encode())
        ):
            return Response(
                "This address needs CONCORD_METRICS_TOKEN as a bearer token.\n", 401, mimetype="text/plain"
            )
        return Response(generate_latest(collect(runtime)), mimetype="text/plain; version=0.0.4")


def ready(runtime: Runtime) -> dict[str, str]:
    """What must hold before traffic is sent here, each "ok" or the reason why not."""
    checks = {"database": "ok", "migrations": "ok", "worker": "ok", "scheduler": "ok"}
    now = SystemClock().now()
    try:
        with runtime.web.open(service("sign_in")) as session:
            beats = pulse.beats_of(session)
        if not is_current(runtime.web.engine):
            checks["migrations"] = "not the newest: run concord db upgrade"
    except SQLAlchemyError:
        return {
            "database": "does not answer",
            "migrations": "unknown",
            "worker": "unknown",
            "scheduler": "unknown",
        }
    for process in pulse.silent(beats, now):
        checks[process] = "not heard from for two minutes"
    if runtime.config.engine == "procrastinate":
        del checks["scheduler"]  # its workers share that work: there is none to start
        checks["worker"] = _of_procrastinate(runtime, now)
    return checks


def _of_procrastinate(runtime: Runtime, now: datetime) -> str:
    """Whether a worker of the engine is there; one of our own beside it does not count."""
    try:
        seen = pulse.workers_seen(runtime.worker.engine, now)
    except SQLAlchemyError:
        return "unknown: the database does not answer the login of the jobs"
    if seen is None:
        return "the tables of procrastinate are not there: run concord worker"
    return "ok" if seen else "no worker of procrastinate seen for two minutes: run concord worker"


def collect(runtime: Runtime) -> CollectorRegistry:
    """The numbers an operator watches: outbox by state, oldest unsent, incidents waiting, open alerts."""
    registry = CollectorRegistry()
    with runtime.worker.open(service("keeper")) as session:
        by_state = select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state)
        counts = {row[0]: row[1] for row in session.execute(by_state)}
        oldest = session.scalar(select(func.min(OutboxMessage.due_at)).where(OutboxMessage.state == "due"))
        waiting = session.scalar(select(func.count()).select_from(Incident).where(Incident.pending)) or 0
        trip = probing.last_trip(session)
        lost = session.scalar(select(func.count()).select_from(Probe).where(Probe.lost)) or 0
        looked = inspecting.last(session)
        opened = session.scalar(select(func.count()).select_from(Alert).where(Alert.state == OPEN)) or 0
    Gauge("concord_probe_round_trip_seconds", "The newest test of a line, out and in", registry=registry).set(
        trip.total_seconds() if trip else 0
    )
    Gauge("concord_probes_lost", "Tests of a line that did not come back", registry=registry).set(lost)
    Gauge("concord_faults", "What the last inspection found forgotten", registry=registry).set(
        looked.faults if looked else 0
    )
    outbox = Gauge("concord_outbox_messages", "Messages by state", ["state"], registry=registry)
    for state in STATES:
        outbox.labels(state).set(counts.get(state, 0))
    age = max(0.0, (runtime.clock.now() - oldest).total_seconds()) if oldest else 0.0
    Gauge(
        "concord_outbox_oldest_due_seconds", "Age of the oldest message that is due", registry=registry
    ).set(age)
    Gauge("concord_incidents_pending", "Incidents that wait to be scored", registry=registry).set(waiting)
    Gauge("concord_alerts_open", "Open alerts", registry=registry).set(opened)
    return registry
