"""Text messages, push notifications and WeChat by a webhook: a POST of JSON, signed, that may be repeated.

Each POST bears the letter's key (`Idempotency-Key`). The receiver does nothing with a key that it has seen, so a letter
is delivered once, whatever is lost on the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import httpx2

from regulars import clock
from regulars.campaign.sending.channel import DownError, LaterError, Letter, RefusedError
from regulars.errors import ConfigError
from regulars.webhook import SIGNATURE, Transport, is_safe, signature

SECRET = "campaign webhook"  # noqa: S105 the name of one


class Webhook:
    """A receiver of letters.

    Parameters
    ----------
    name : the setting that it comes from, for messages.
    url : https; http on this machine alone.
    private_networks : see `regulars.webhook.may_go_to`.

    Raises
    ------
    ConfigError
        If the url is none.
    """

    def __init__(
        self, name: str, url: str, secret: str, timeout_seconds: float, private_networks: Iterable[str] = ()
    ) -> None:
        if not is_safe(url):
            raise ConfigError(f'[sending] {name} = "{url}": an address with https is expected.')
        try:
            self._url, self._secret = httpx2.URL(url), secret
        except httpx2.InvalidURL as error:
            raise ConfigError(f'[sending] {name} = "{url}": no address ({error}).') from None
        # Redirects are not followed: the letter goes where the shop said, and nowhere else.
        self._client = httpx2.Client(
            transport=Transport(private_networks), timeout=timeout_seconds, follow_redirects=False
        )

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
        try:
            code = self._client.post(self._url, content=body, headers=headers).status_code
        except httpx2.ConnectError as error:
            raise DownError(f"the webhook cannot be reached: {error}") from None
        except httpx2.HTTPError as error:
            raise LaterError(f"the webhook did not answer: {error}") from None
        if code in (408, 425, 429) or code >= 500:
            raise LaterError(f"the webhook answered {code}")
        if not 200 <= code < 300:
            raise RefusedError(f"the webhook refused it: {code}")

    def close(self) -> None:
        """See `Channel.close`."""
        self._client.close()
