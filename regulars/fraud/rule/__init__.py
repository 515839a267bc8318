"""Which attempts do the shop's own rules and lists mean, what is to be done, and what would a rule have done?"""

from regulars.fraud.rule.backtest import Backtest, Overlap, Share, backtest
from regulars.fraud.rule.columns import row_of, table_of, vocabulary
from regulars.fraud.rule.entries import Entry
from regulars.fraud.rule.judging import Judgement, judge, judge_row
from regulars.fraud.rule.lists import Asked, Lists
from regulars.fraud.rule.matching import Index, Listed
from regulars.fraud.rule.saved import ACTIONS, FraudRule, FraudRules, Standing, State
from regulars.fraud.rule.suggestions import Suggestion, suggest
from regulars.fraud.rule.trial import Trial

__all__ = [
    "ACTIONS", "Asked", "Backtest", "Entry", "FraudRule", "FraudRules", "Index", "Judgement", "Listed", "Lists",
    "Overlap", "Share", "Standing", "State", "Suggestion", "Trial", "backtest", "judge", "judge_row", "row_of",
    "suggest", "table_of", "vocabulary",
]  # fmt: skip
