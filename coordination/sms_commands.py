"""What each SMS command does."""

from __future__ import annotations

import random
from datetime import datetime

from sqlalchemy.orm import Session

from committees.inbox import Inbound


def handle(session: Session, now: datetime, rng: random.Random, row: Inbound) -> None:
    """Act on one SMS."""
