"""No way that is gone all day reads a table that grows from end to end: sending, receipts, reading in, scoring, the jobs, the lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from alerts.alert import OPEN, Alert
from coordination import feedback
from foundation.db import Base, Database
from foundation.policy import service
from tests.coordination.test_api import Client
from tests.make import START, WARD
from tests.rig.plans import watched
from tests.rig.town import WiredTown

#: What grows with every message, report, alert or answer, for ever.
GROWING = frozenset(
    (
        *("outbox", "delivery", "inbound", "report", "incident", "incident_place", "incident_text", "source"),
        *("alert", "alert_update", "acknowledgement", "escalation", "finding", "evidence", "evidence_change"),
        *("score", "prediction", "checkin", "journal", "errand", "reply_code", "call_back", "action"),
        *("contact_change", "feedback_request", "cap_message", "drill_call"),
    )
)
#: What may read one whole, and why.
ONCE_A_DAY = "once a day; SQLite asks no index for what is not empty, PostgreSQL does"
ALLOWED = {(table, "committees/vouching.py:_unmark"): ONCE_A_DAY for table in ("source", "report")}
PAGES = {
    "admin": ("/admin", "/admin/channels"),
    "secretary.mardan": ("/desk", "/desk/sms", "/today", f"/place/{WARD}", "/a/{alert}"),
    "member1.mardan": ("/mine", "/today"),
    "police.mardan": ("/review",),
    "auditor": ("/record",),
}
LISTS = ("/alerts", "/incidents", "/deliveries", "/escalations", f"/localities/{WARD}/risk")


def test_no_hot_way_reads_a_growing_table_whole(wired_town: WiredTown) -> None:
    town = wired_town
    with watched(town.runtime.worker.engine, town.runtime.web.engine) as found:
        town.report(kind="group_clash", severity=4, people="21-100")
        town.work()
        town.twilio.settle()
        town.sms("member2.mardan", "HELP")
        town.later(hours=3)
        go_round(town)
    read = sorted({(one.table, one.where) for one in found if one.table in GROWING} - set(ALLOWED))
    assert read == [], "\n".join(one.statement for one in found if (one.table, one.where) in read)


def go_round(town: WiredTown) -> None:
    """The pages and lists that are opened all day."""
    with town.session() as session:
        alert = session.scalars(select(Alert.id).where(Alert.state == OPEN)).first()
    for who, paths in PAGES.items():
        browser = town.browser(who)
        for path in paths:
            browser.open(path.format(alert=alert))
            assert browser.status == 200, path
    client = Client(town, "secretary.mardan")
    for path in LISTS:
        assert client.get(path).status_code == 200, path


def test_promises_are_looked_for_among_the_reports_of_a_week_only(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    Base.metadata.create_all(database.engine)
    plans: list[str] = []

    def look(_connection: object, cursor: Any, statement: str, values: object, *_more: object) -> None:
        lines = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        plans.extend(str(line[-1]) for line in lines)

    event.listen(database.engine, "before_cursor_execute", look)
    with database.open(service("feedback")) as session:
        feedback.keep_promise(session, START)
    database.close()
    assert any("SEARCH report USING INDEX ix_report_received_at" in line for line in plans), plans
    assert not any("ix_incident_waiting" in line for line in plans), "not among all that was ever reported"
