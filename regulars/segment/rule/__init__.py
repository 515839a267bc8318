"""Which customers are meant by a rule, as of any moment?

Rules are of `regulars.rules`: columns of profiles, what customers did in which window, segments within segments. A
segment is a rule with a name, kept in numbered versions.
"""

from regulars.segment.rule.columns import known_as_of
from regulars.segment.rule.counting import Count, Counter
from regulars.segment.rule.membership import Members, Overlap, members, moves, overlap
from regulars.segment.rule.saved import Segment, Segments
from regulars.segment.rule.suggestions import Suggestion, suggest
from regulars.segment.rule.words import Words

__all__ = [
    "Count", "Counter", "Members", "Overlap", "Segment", "Segments", "Suggestion", "Words", "known_as_of", "members",
    "moves", "overlap", "suggest",
]  # fmt: skip
