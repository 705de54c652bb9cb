"""`concord serve`, `worker`, `scheduler` and `demo`: the processes."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from coordination.commands import Progress, config, opened
from coordination.ticking import Ticker
from foundation.config import PROCRASTINATE, Config
from foundation.errors import Problem
from foundation.memory import hold_little


class Server(BaseApplication):
    """gunicorn with our settings: threads in each worker process; the first one ticks where everything runs in one process."""

    def __init__(self, options: dict[str, Any], load: Any, all_in_one: bool, ready: Any = None) -> None:
        self.options, self.load_app, self.all_in_one, self.ready = options, load, all_in_one, ready
        self.ticker: Ticker | None = None
        hold_little()
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn."""
        for key, value in self.options.items():
            self.cfg.set(key, value)
        self.cfg.set("post_worker_init", self._started)
        self.cfg.set("worker_exit", self._stopped)

    def load(self) -> Any:
        """The application, built in the worker process: no connection is shared across a fork."""
        return self.load_app()

    def _started(self, worker: Any) -> None:
        if self.all_in_one:
            self.ticker = Ticker(worker.wsgi.extensions["concord"])
            self.ticker.start()
        if self.ready:
            self.ready()

    def _stopped(self, _server: Any, _worker: Any) -> None:
        if self.ticker:
            self.ticker.stop()


def _options(host: str, port: int, workers: int, threads: int) -> dict[str, Any]:
    return {
        "bind": f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "accesslog": None,
        "loglevel": "error",
        "timeout": 120,
        "graceful_timeout": 10,
        "control_socket_disable": True,
        "forwarded_allow_ips": "127.0.0.1",
    }


def _application(settings: Config) -> Any:
    """The pages, loaded by the processes that serve them: a worker has no use for them."""
    from coordination.app import create_app

    return create_app(settings)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Web processes; more than one needs PostgreSQL.",
)
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--all-in-one", is_flag=True, help="Run worker and scheduler inside, for one town on one machine."
)
def serve_command(host: str, port: int, workers: int, threads: int, all_in_one: bool) -> None:
    """Serve the pages, the API and the hooks."""
    settings = config()
    if all_in_one and settings.engine == PROCRASTINATE:
        raise click.UsageError(
            "With CONCORD_ENGINE=procrastinate start `concord serve` and `concord worker` each by itself."
        )
    if workers > 1 and (settings.database_url.startswith("sqlite") or all_in_one):
        raise click.UsageError("More than one web process needs PostgreSQL and `concord worker` beside it.")
    Server(_options(host, port, workers, threads), lambda: _application(settings), all_in_one).run()


@click.command("worker")
def worker_command() -> None:
    """Run the jobs: read what came in, score, raise, deliver, escalate, feed back. With ENGINE=procrastinate any number share them."""
    hold_little()
    if config().engine == PROCRASTINATE:
        _work_with_others()
    else:
        _tick()


@click.command("scheduler")
def scheduler_command() -> None:
    """Run the same jobs as a second process; each slot is claimed by a row, so nothing happens twice."""
    if config().engine == PROCRASTINATE:
        raise click.UsageError(
            "With CONCORD_ENGINE=procrastinate the workers carry the periodic jobs: start `concord worker` only."
        )
    hold_little()
    _tick()


def _work_with_others() -> None:
    from coordination import scaled

    settings = config()
    with opened() as runtime:
        scaled.prepare(settings.owner_database_url)
        engine = scaled.Engine(runtime)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: engine.stop())
        click.echo("The worker is running. Stop it with Ctrl-C.", err=True)
        engine.run()


def _tick() -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with opened() as runtime:
        ticker = Ticker(runtime)
        ticker.start()
        click.echo("The worker is running. Stop it with Ctrl-C.", err=True)
        stop.wait()
        ticker.stop()


@click.command("demo")
@click.option(
    "--size",
    default=11,
    show_default=True,
    type=click.IntRange(1, 11),
    help="How many of the cities get a simulated history.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the demo's files. Default: var/demo.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one line of JSON with the address and the people first."
)
def demo_command(size: int, port: int, data: Path | None, as_json: bool) -> None:
    """Start a demonstration: real places, invented people, a simulated history, on http://127.0.0.1:PORT."""
    from coordination import demo

    settings = demo.settings_for(dict(os.environ), data, port)
    runtime_people = demo.prepare(settings, size, Progress())
    announce = demo.announcement(settings, runtime_people)
    _check_port(port)

    def ready() -> None:
        click.echo(json.dumps(announce, ensure_ascii=False) if as_json else demo.in_words(announce))
        sys.stdout.flush()

    Server(_options("127.0.0.1", port, 1, 8), lambda: _application(settings), True, ready).run()


def _check_port(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Problem(
                f"Port {port} is in use on this machine.",
                f"Stop the other program, or choose another: --port {port + 1}",
            ) from None
