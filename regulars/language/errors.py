"""Why no answer of a language model came; whoever asks one catches `LanguageError` and does without.

LanguageError         no answer that can be used: the capability goes on with templates and retrieval
├── NoModelError      none is connected
├── NotSentError      nothing was sent: not allowed, over a cap, or the endpoint is being left alone
├── DownError         the endpoint did not answer, or could not just now
└── AnswerError       it answered, and what it said cannot be used
"""

from __future__ import annotations

from regulars.errors import RegularsError


class LanguageError(RegularsError):
    """No answer of a language model that can be used.

    Attributes
    ----------
    may_cost : whether the endpoint may have written an answer all the same, and wants to be paid for it.
    """

    status = 503
    may_cost = False


class NoModelError(LanguageError):
    """No language model is connected; the message says how to connect one."""


class NotSentError(LanguageError):
    """Nothing left this machine; the message says which limit held it back."""


class DownError(LanguageError):
    """The endpoint did not answer, in time or at all, or said that it cannot just now.

    Attributes
    ----------
    wait_seconds : so long it asked to be left alone; 0 if it did not say.
    """

    def __init__(self, said: str, wait_seconds: float = 0.0, *, may_cost: bool = False) -> None:
        super().__init__(said)
        self.wait_seconds, self.may_cost = wait_seconds, may_cost


class AnswerError(LanguageError):
    """What the endpoint answered cannot be used: another form than was asked for, too long, or a refusal."""

    status = 502

    def __init__(self, said: str, *, may_cost: bool = True) -> None:
        super().__init__(said)
        self.may_cost = may_cost
