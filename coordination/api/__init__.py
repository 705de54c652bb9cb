"""The HTTP API /api/v1: one blueprint, made of the endpoints that the modules of this package register.

What lives here: putting the endpoints and the OpenAPI document on the map. The way of one request is
door.py; every decision is made by the functions of committees, alerts and coordination. Only
coordination/app.py imports this package.
"""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, jsonify

from coordination.api import (
    acknowledgements,
    alert_acts,
    alerts,
    cap,
    checkins,
    dates,
    deliveries,
    duty,
    escalations,
    exports,
    incidents,
    localities,
    openapi,
    policies,
    profiles,
    readiness,
    replays,
    risk,
    silences,
)
from coordination.api.door import ENDPOINTS, mount
from coordination.api.problems import of_http_error, problem
from coordination.api.rates import Rates, put_headers
from coordination.runtime import Runtime

__all__ = ["problem", "register"]

PREFIX = "/api/v1"
MODULES = (
    acknowledgements,
    alert_acts,
    alerts,
    cap,
    checkins,
    dates,
    deliveries,
    duty,
    escalations,
    exports,
    incidents,
    localities,
    policies,
    profiles,
    readiness,
    replays,
    risk,
    silences,
)


def register(app: APIFlask, runtime: Runtime) -> None:
    """Put the API and its description on the map of `app`."""
    api = APIBlueprint("api", __name__, url_prefix=PREFIX)
    app.extensions["concord_rates"] = Rates()
    for endpoint in ENDPOINTS:
        mount(api, runtime, endpoint)
    openapi.prepare(app, runtime.config.public_url, PREFIX)

    @api.get("/openapi.json")
    @api.doc(hide=True)
    def description() -> Response:
        """The description of this API, made from its code."""
        return jsonify(app._get_spec("json"))

    @api.errorhandler(HTTPError)
    def refused(error: HTTPError) -> Response:
        return of_http_error(error)

    @api.after_request
    def counted(response: Any) -> Any:
        return put_headers(response)

    app.register_blueprint(api)
