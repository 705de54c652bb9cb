"""Every table of every room, imported so that the schema is whole: for migrations, policy and tests."""

from alerts import (
    alert,
    assessing,
    calibrating,
    escalation,
    evidence,
    policies,
    reconciling,
    replay_runs,
    reweighing,
    routing,
    seen,
)
from committees import (
    accounts,
    actions,
    call_backs,
    checkins,
    code_tries,
    committee,
    custody,
    flashpoints,
    inbox,
    incidents,
    people,
    places,
    profiles,
    reply_codes,
    reports,
)
from coordination import feedback, review
from foundation import approvals, errands, jobs, journal, outbox

ROOMS = (
    (approvals, errands, jobs, journal, outbox),
    (
        accounts,
        actions,
        call_backs,
        checkins,
        code_tries,
        committee,
        custody,
        flashpoints,
        inbox,
        incidents,
        people,
        places,
        profiles,
        reply_codes,
        reports,
    ),
    (
        alert,
        assessing,
        calibrating,
        escalation,
        evidence,
        policies,
        reconciling,
        replay_runs,
        reweighing,
        routing,
        seen,
    ),
    (feedback, review),
)
