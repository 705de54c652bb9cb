"""Local-only mode: no national office serves a place, so the alert is carried by the local side alone, and its committee is told so."""

from __future__ import annotations

import random
from datetime import datetime

from sqlalchemy.orm import Session

from alerts import routing
from alerts.alert import Alert
from alerts.holding import DIGEST_TO
from alerts.outlook import has_national_office
from alerts.receivers import receivers

COMMITTEE_SEATS = ("secretary", "chair")


def tell_if_alone(session: Session, now: datetime, rng: random.Random, alert: Alert) -> None:
    """Tell secretary and chair, once per level, that nobody at national level hears of this alert: from level 3, as a message of its own."""
    if alert.level <= DIGEST_TO or has_national_office(session, alert):
        return
    to = receivers(session, alert, COMMITTEE_SEATS, "local_only")
    routing.send(session, now, rng, alert, to, template="local_only", step=0)
