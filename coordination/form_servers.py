"""Asking ODK Central and KoboToolbox what was filled in since we last asked: pages of submissions, oldest first, and where to go on.

Only the operator's settings say whom we ask (foundation/collecting_settings.py). Nothing is stored here; collecting.py is the caller.
KoboToolbox: API v2, /api/v2/assets/{uid}/data.json. ODK Central: OData of a form, {form}.svc/Submissions.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from urllib3 import PoolManager, Timeout, make_headers
from urllib3.exceptions import HTTPError

from foundation.collecting_settings import FormServer
from foundation.web.words import N_

PAGE, MOST_PAGES = 100, 20
LARGEST = 4 * 1024 * 1024
SETTLES = timedelta(minutes=10)
CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0

REFUSED = N_("The form server refuses our name or token. Check them in the settings.")
NOT_THERE = N_("The form server knows no such form. Check the address in the settings.")
BUSY = N_("The form server asks us to wait. We ask again in a minute.")
BROKEN = N_("The form server answers with an error. We ask again in a minute.")
UNREADABLE = N_("The form server's answer cannot be read. We ask again in a minute.")
AWAY = N_("The form server cannot be reached. We ask again in a minute.")


class NotCollected(Exception):
    """Nothing could be fetched now, with the words for an administrator."""


class _TooLarge(Exception):
    """More than we read at once: fewer are asked for."""


@dataclass(frozen=True)
class Page:
    """Some submissions, and the cursor after them."""

    rows: list[Mapping[str, Any]]
    cursor: str


def pages(server: FormServer, cursor: str, now: datetime) -> Iterator[Page]:
    """What came in after the cursor, page by page, and what was changed; raise NotCollected. A page may repeat what was fetched before.

    The cursor stays behind what came in the last minutes: a server may show a submission after a younger one.
    """
    pool = PoolManager(
        num_pools=1, retries=False, timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    )
    try:
        yield from (_kobo if server.kind == "kobo" else _central)(pool, server, cursor, now - SETTLES)
    finally:
        pool.clear()


def _kobo(pool: PoolManager, server: FormServer, cursor: str, settled: datetime) -> Iterator[Page]:
    """By _id, which stays through every change; those that were changed are asked for once more, the newest of them."""
    parts = urlsplit(server.url)
    address = (
        f"{parts.scheme}://{parts.netloc}/api/v2/assets/{parts.path.strip('/').rpartition('/')[2]}/data.json"
    )
    headers = {"Authorization": f"Token {server.secret or server.user}"}
    names = {"fields": '["_id","_uuid","_submission_time","meta/rootUuid"]'}
    after, held = int(cursor or 0), False
    for _ in range(MOST_PAGES):
        wanted: dict[str, Any] = {"_id": {"$gt": after}}
        if server.since:
            wanted["_submission_time"] = {"$gte": server.since.isoformat()}
        query = {"sort": '{"_id":1}', "query": json.dumps(wanted)}
        rows, whole = _fitting(pool, address, query, headers, ("limit", "results", names))
        if not rows:
            break
        try:
            after = max(int(row["_id"]) for row in rows)
            young = [int(row["_id"]) for row in rows if not _before(row.get("_submission_time"), settled)]
        except (KeyError, TypeError, ValueError):
            raise NotCollected(UNREADABLE) from None
        if not held:
            cursor, held = str(min(young) - 1 if young else after), bool(young)
        yield Page(rows, cursor)
        if len(rows) < PAGE and whole:
            break
    changed = {**wanted, "_id": {"$lte": after}, "meta/deprecatedID": {"$exists": True}}
    query = {"sort": '{"_id":-1}', "query": json.dumps(changed)}
    rows, _whole = _fitting(pool, address, query, headers, ("limit", "results", names))
    if rows:
        yield Page(rows, cursor)


def _central(pool: PoolManager, server: FormServer, cursor: str, settled: datetime) -> Iterator[Page]:
    """By the time of submission; several may share one, so the last of it are asked for again. Then those that were changed.

    Apart, and the newest of them: of a team that approves all its old ones in a day, none holds up what is new.
    """
    day = f"{server.since}T00:00:00.000Z" if server.since else ""
    since, edge = cursor or day, f"{settled:%Y-%m-%dT%H:%M:%S.000Z}"
    for rows in _sorted(pool, server, f"{_SENT} ge {since}" if since else "", f"{_SENT} asc"):
        try:
            newest = max(str(row["__system"]["submissionDate"]) for row in rows)
        except (KeyError, TypeError):
            raise NotCollected(UNREADABLE) from None
        cursor = max(cursor, min(newest, edge))
        yield Page(rows, cursor)
    if since:
        changed = f"{_CHANGED} ge {since} and {_SENT} lt {since}" + (f" and {_SENT} ge {day}" if day else "")
        for rows in _sorted(pool, server, changed, f"{_CHANGED} desc"):
            yield Page(rows, cursor)


_SENT, _CHANGED = "__system/submissionDate", "__system/updatedAt"


def _sorted(
    pool: PoolManager, server: FormServer, wanted: str, order: str
) -> Iterator[list[Mapping[str, Any]]]:
    """What Central has of the wanted, page by page in an order."""
    headers = make_headers(basic_auth=f"{server.user}:{server.secret}")
    names, skip = {"$select": f"__id,{_SENT}"}, 0
    for _ in range(MOST_PAGES):
        query: dict[str, Any] = {"$skip": skip, "$orderby": order, **({"$filter": wanted} if wanted else {})}
        rows, whole = _fitting(
            pool, f"{server.url}.svc/Submissions", query, headers, ("$top", "value", names)
        )
        if rows:
            yield rows
        if not rows or (len(rows) < PAGE and whole):
            return
        skip += len(rows)


def _before(sent: Any, moment: datetime) -> bool:
    """Whether something was sent before a moment; what says no time counts as long ago, since nothing can be told from it."""
    try:
        found = datetime.fromisoformat(str(sent))
    except ValueError:
        return True
    return (found if found.tzinfo else found.replace(tzinfo=UTC)) < moment


def _fitting(
    pool: PoolManager,
    address: str,
    query: Mapping[str, Any],
    headers: Mapping[str, str],
    how: tuple[str, str, Mapping[str, str]],
) -> tuple[list[Mapping[str, Any]], bool]:
    """The next submissions, fewer where so many are too large; and whether as many were asked for as always.

    Of one that alone is too large only its names are fetched: it is kept as one that a person must look at, and holds up no other.
    `how`: the word for how many, where the rows stand, and what asks for names only.
    """
    most, rows, names = how
    for many in (PAGE, PAGE // 10, 1):
        with contextlib.suppress(_TooLarge):
            return _rows(_get(pool, address, {**query, most: many}, headers), rows), many == PAGE
    with contextlib.suppress(_TooLarge):
        return _rows(_get(pool, address, {**query, **names, most: 1}, headers), rows), False
    raise NotCollected(UNREADABLE)


def _get(pool: PoolManager, address: str, query: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    try:
        # Whatever moves us elsewhere is not followed: the settings name the host.
        answer = pool.request(
            "GET",
            f"{address}?{urlencode(query)}",
            headers=dict(headers),
            redirect=False,
            preload_content=False,
        )
        body = answer.read(LARGEST + 1)
        answer.release_conn()
    except HTTPError:
        raise NotCollected(AWAY) from None
    if answer.status in (401, 403):
        raise NotCollected(REFUSED)
    if answer.status == 404:
        raise NotCollected(NOT_THERE)
    if answer.status == 429:
        raise NotCollected(BUSY)
    if answer.status != 200:
        raise NotCollected(BROKEN)
    try:
        if len(body) > LARGEST:
            raise _TooLarge
        return json.loads(body)
    except ValueError:
        raise NotCollected(UNREADABLE) from None


def _rows(answer: Any, name: str) -> list[Mapping[str, Any]]:
    rows = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotCollected(UNREADABLE)
    return rows
