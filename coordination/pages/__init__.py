"""Every page of the house, imported so that the map is whole. One module a room of daily work; each page is one @page function."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import request

from coordination.pages import (
    admin,
    alert,
    alert_news,
    answer_link,
    calendar,
    care,
    channels,
    checkin,
    city,
    code,
    contacts,
    dates,
    desk,
    desk_tell,
    drills,
    duty,
    evaluation,
    help,
    ladder,
    languages,
    me,
    mine,
    national,
    offline,
    outbox,
    passkey,
    place,
    privacy,
    private,
    profile,
    profile_edit,
    readiness,
    report,
    resets,
    review,
    rule_edit,
    rules,
    second_step,
    sign_in,
    silences,
    sms_routes,
    sms_seen,
    sort,
    sources,
    sso,
    stop,
    tell,
    today,
    webhooks,
    what_if,
    wordings,
)
from coordination.runtime import Runtime
from foundation.web import words

ROOMS = (
    sign_in,
    second_step,
    passkey,
    sso,
    resets,
    alert,
    alert_news,
    answer_link,
    code,
    stop,
    tell,
    desk_tell,
    report,
    private,
    checkin,
    offline,
    today,
    mine,
    me,
    contacts,
    review,
    outbox,
    admin,
    channels,
    sources,
    readiness,
    drills,
    privacy,
    help,
    ladder,
    languages,
    national,
    desk,
    sms_seen,
    sort,
    place,
    calendar,
    dates,
    profile,
    profile_edit,
    city,
    care,
    rule_edit,
    rules,
    what_if,
    webhooks,
    evaluation,
    duty,
    silences,
    wordings,
    sms_routes,
    sms_seen,
)


def demo_banner(runtime: Runtime) -> dict[str, Any] | None:
    """What the demonstration's banner shows, or None in real use."""
    if not runtime.config.demo or request.path.startswith("/static"):
        return None
    zone = ZoneInfo("Asia/Karachi")  # the demonstration's main town
    now = runtime.clock.now()
    return {"clock": f"{words.day(now, zone)} {words.clock(now, zone)}"}
