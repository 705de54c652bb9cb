"""HTTP over kept connections, one request at a time on each, that says of every failure whether the request may have been taken.

urllib3 keeps the connections; it is told neither to follow nor to try again. Proxies and .netrc of the environment are not settings of
Concord. Only `twilio_http` imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from ssl import SSLCertVerificationError

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError


class NotReached(Exception):
    """No connection was made, so that no byte of the request went out."""


class Lost(Exception):
    """The request went out, or some of it did, or nobody can tell; no whole answer came."""


class KeptLines:
    """Connections by server; several threads may use it. At most `most` idle ones are kept for each server; waits are in seconds."""

    def __init__(self, connect: float, read: float, most: int) -> None:
        self._pool = PoolManager(maxsize=most, timeout=Timeout(connect=connect, read=read))

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        most: int | None = None,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body (at most so many bytes) and headers of one answer; raise NotReached or Lost."""
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=most is None,
            )
            if most is None:
                return answer.status, answer.data, dict(answer.headers)
            try:
                return answer.status, answer.read(most), dict(answer.headers)
            finally:  # what was not read is not waited for: the connection goes with it
                answer.close()
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise NotReached(type(error).__name__) from error
        except SSLError as error:  # a server that cannot prove who it is was sent nothing
            strange = isinstance(error.args[0], SSLCertVerificationError)
            raise (NotReached if strange else Lost)(type(error).__name__) from error
        except HTTPError as error:
            raise Lost(type(error).__name__) from error

    def close(self) -> None:
        """Close what is idle."""
        self._pool.clear()
