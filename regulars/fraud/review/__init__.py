"""Which attempts should a person look at next, and what did people say of them?

Decisions that ask for a person become cases, handed out one at a time; verdicts flow back into the log as labels.
"""

from regulars.fraud.review.control import Control, Precision, let_through, precision_of_holding
from regulars.fraud.review.delivery import deliver
from regulars.fraud.review.handling import HeldError, add_note, claim, give_verdict, release, undo
from regulars.fraud.review.kappa import Agreement, agreement, agreement_of
from regulars.fraud.review.looking import Attempt, Case, Change, Summary, case, queue
from regulars.fraud.review.opening import Opened, fill, open_cases
from regulars.fraud.review.standing import Forecast, Overturned, Standing, forecast, standing

__all__ = [
    "Agreement",
    "Attempt",
    "Case",
    "Change",
    "Control",
    "Forecast",
    "HeldError",
    "Opened",
    "Overturned",
    "Precision",
    "Standing",
    "Summary",
    "add_note",
    "agreement",
    "agreement_of",
    "case",
    "claim",
    "deliver",
    "fill",
    "forecast",
    "give_verdict",
    "let_through",
    "open_cases",
    "precision_of_holding",
    "queue",
    "release",
    "standing",
    "undo",
]
