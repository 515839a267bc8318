"""Text messages, push notifications and WeChat by a webhook: a POST of JSON, signed, that may be repeated.

Each POST bears the letter's key (`Idempotency-Key`). The receiver does nothing with a key that it has seen, so a letter
is delivered once, whatever is lost on the way.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from regulars import clock
from regulars.campaign.sending.channel import DownError, LaterError, Letter, RefusedError
from regulars.errors import ConfigError
from regulars.webhook import SIGNATURE, is_safe, signature

SECRET = "campaign webhook"  # noqa: S105 the name of one


class Webhook:
    """A receiver of letters.

    Parameters
    ----------
    name : the setting that it comes from, for messages.
    url : https; http on this machine alone.

    Raises
    ------
    ConfigError
        If the url is none.
    """

    def __init__(self, name: str, url: str, secret: str, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        if not parts.hostname or not is_safe(url):
            raise ConfigError(f'[sending] {name} = "{url}": an address with https is expected.')
        self._host, self._port, self._is_tls = parts.hostname, parts.port, parts.scheme == "https"
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret, self._timeout = secret, timeout_seconds

    def send(self, letter: Letter, leaving: Callable[[], None]) -> None:
        """See `Channel.send`."""
        said = {
            "key": letter.key, "message_id": letter.message_id, "channel": letter.channel,
            "customer_id": letter.customer_id, "to": letter.to, "language": letter.language, "subject": letter.subject,
            "body": letter.body, "unsubscribe_url": letter.unsubscribe_url,
        }  # fmt: skip
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": letter.key,
            SIGNATURE: signature(self._secret, int(clock.now().timestamp()), body),
        }
        leaving()
        connection = self._connection()
        try:
            # Redirects are not followed: the letter goes where the shop said, and nowhere else.
            connection.request("POST", self._path, body, headers)
            code = connection.getresponse().status
        except (ConnectionRefusedError, ssl.SSLError) as error:
            raise DownError(f"the webhook cannot be reached: {error}") from None
        except (OSError, http.client.HTTPException) as error:
            raise LaterError(f"the webhook did not answer: {error}") from None
        finally:
            connection.close()
        if code in (408, 425, 429) or code >= 500:
            raise LaterError(f"the webhook answered {code}")
        if not 200 <= code < 300:
            raise RefusedError(f"the webhook refused it: {code}")

    def close(self) -> None:
        """Nothing is held."""

    def _connection(self) -> http.client.HTTPConnection:
        if self._is_tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
