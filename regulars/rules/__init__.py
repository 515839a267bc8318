"""The one language of rules: filters, segments, fraud rules and triggers say in it which rows they mean.

    category = 'lamps' and price < 20
    stage in ('lapsed', 'at risk') and not (orders < 3 or title contains '礼物')

Numbers, texts, times, true and false; `=`, `!=`, `<`, `<=`, `>`, `>=`, `between … and …`, `in (…)`, `contains`,
`starts with`, `is null`; `+ - * /`; `and`, `or`, `not`. What is unknown stays unknown, as in SQL, and an unknown rule
is not true. A rule is checked against the columns there are before it is used, and means the same on a table of the
engine, on columns in memory and on one row.
"""

from regulars.rules.errors import RuleError
from regulars.rules.history import History
from regulars.rules.rule import Rule
from regulars.rules.vocabulary import Column, Events, Vocabulary, kinds

__all__ = ["Column", "Events", "History", "Rule", "RuleError", "Vocabulary", "kinds"]
