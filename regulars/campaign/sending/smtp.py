"""E-mail by SMTP.

SMTP cannot say exactly once: after the letter itself was sent and before the answer came, whoever dies cannot know
whether it was taken. So it is at most once: the server is asked for everything that it can refuse (sender, recipient,
DATA) first; only then is written down that the letter leaves; only then it leaves. What was written down so and has no
answer is never sent again.
"""

from __future__ import annotations

import os
import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from regulars import clock
from regulars.campaign.sending.channel import DownError, LaterError, Letter, RefusedError, UnsureError
from regulars.config import SendingSettings
from regulars.errors import ConfigError

PASSWORD = "REGULARS_SMTP_PASSWORD"  # noqa: S105 the name of a variable
PORTS = {"smtp": 587, "smtps": 465}
READY, GOING_DOWN = 354, 421
LONGEST_LINE = 998
"""As RFC 5322 allows: a link that is folded into several lines is no link any more."""
_ADDRESS = re.compile(r"[^@\s,;:<>\"()\[\]\\]+@[^@\s,;:<>\"()\[\]\\]+\.[^@\s,;:<>\"()\[\]\\.]+")


def is_address(text: str) -> bool:
    """Whether a text can be an e-mail address.

    >>> [is_address(text) for text in ("ada@tea.example", "茶@tea.example", "ada@tea", "a@b.c, d@e.f", "a\\n@b.c")]
    [True, True, False, False, False]
    """
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


class Mail:
    """A mail server. One connection is used for many letters.

    Raises
    ------
    ConfigError
        If `[sending]` lacks what e-mail needs.
    """

    def __init__(self, settings: SendingSettings) -> None:
        parts = urlsplit(settings.smtp)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ConfigError(
                f'[sending] smtp = "{parts.scheme}://{parts.hostname or ""}": a mail server is expected, such as '
                '"smtp://name@mail.example:587"; its password goes into the environment, REGULARS_SMTP_PASSWORD.'
            )
        name, address = parseaddr(settings.sender)
        if not is_address(address):
            raise ConfigError(f'[sending] sender = "{settings.sender}": write it as "Tea shop <hello@tea.example>".')
        if urlsplit(settings.unsubscribe_url).scheme != "https":
            raise ConfigError(
                f'[sending] unsubscribe_url = "{settings.unsubscribe_url}": an address with https is expected. Mail '
                "programs let customers unsubscribe by it in one click (RFC 8058)."
            )
        self._is_tls, self._host = parts.scheme == "smtps", parts.hostname
        self._port = parts.port or PORTS[parts.scheme]
        self._user, self._timeout = unquote(parts.username or ""), settings.timeout_seconds
        self._sender, self._from = address, Address(name, addr_spec=address)
        self._connection: smtplib.SMTP | None = None

    def send(self, letter: Letter, leaving: Callable[[], None]) -> None:
        """See `Channel.send`."""
        if not is_address(letter.to):
            raise RefusedError(f'"{letter.to[:80]}" is no e-mail address')
        content = self._content(letter)
        connection = self._connected()
        try:
            self._announce(connection, letter.to)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self.close()
            raise LaterError(f"the mail server broke off: {error}") from None
        try:
            leaving()
        except BaseException:
            self.close()  # DATA is open: what came next would be taken for the letter
            raise
        try:
            connection.send(content)
            code, said = connection.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise UnsureError(f"the mail server did not answer: {error}") from None
        _judge(code, said)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._connection.close()
            self._connection = None

    def _connected(self) -> smtplib.SMTP:
        if self._connection is not None:
            return self._connection
        kind = smtplib.SMTP_SSL if self._is_tls else smtplib.SMTP
        try:
            made = kind(self._host, self._port, timeout=self._timeout)
            made.ehlo()
            if made.has_extn("starttls"):
                made.starttls()
                made.ehlo()
            if self._user:
                made.login(self._user, os.environ.get(PASSWORD, ""))
        except smtplib.SMTPAuthenticationError as error:
            raise DownError(f"the mail server does not know {self._user}: set {PASSWORD} ({error.smtp_code})") from None
        except (smtplib.SMTPException, OSError) as error:
            raise DownError(f"the mail server {self._host}:{self._port} cannot be reached: {error}") from None
        self._connection = made
        return made

    def _announce(self, connection: smtplib.SMTP, to: str) -> None:
        """Everything that the server can refuse before the letter itself."""
        options: tuple[str, ...] = ()
        if not to.isascii():
            if not connection.has_extn("smtputf8"):
                raise RefusedError("the mail server takes no addresses beyond ASCII (SMTPUTF8)")
            options = ("SMTPUTF8",)
        asked: tuple[Callable[[], tuple[int, bytes]], ...] = (
            lambda: connection.mail(self._sender, options),
            lambda: connection.rcpt(to),
            lambda: connection.docmd("DATA"),
        )
        for ask in asked:
            code, said = ask()
            if not 200 <= code <= READY:
                with suppress(smtplib.SMTPException, OSError):
                    connection.rset()
                if code == GOING_DOWN:
                    self.close()
                _judge(code, said)

    def _content(self, letter: Letter) -> bytes:
        made = EmailMessage()
        try:
            made["From"], made["To"], made["Subject"] = self._from, letter.to, letter.subject
            made["Date"], made["Message-ID"] = format_datetime(clock.now()), letter.message_id
            made["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            made["Content-Language"] = letter.language
        except ValueError as error:
            raise RefusedError(f"a header cannot be written: {error}") from None
        made.set_content(letter.body)
        content = made.as_bytes(policy=POLICY.clone(utf8=not letter.to.isascii(), max_line_length=LONGEST_LINE))
        return re.sub(rb"(?m)^\.", b"..", content) + b".\r\n"


def _judge(code: int, said: bytes) -> None:
    """What an answer of the server means; 2xx is taken."""
    text = f"{code} {said.decode(errors='replace')[:200]}"
    if code == GOING_DOWN:
        raise DownError(f"the mail server takes no more now: {text}")
    if 400 <= code < 500:
        raise LaterError(f"the mail server would not take it now: {text}")
    if code >= 500:
        raise RefusedError(f"the mail server refused it: {text}")
    if code < 200:
        raise LaterError(f"the mail server answered {text}")
