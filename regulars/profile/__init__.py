"""Who is this customer, as of any moment?

A hundred declared features (`regulars.profile.features`), each from events before the moment alone; a
stage of life by the shop's own rhythm; and a page in words.
"""

from regulars.profile.dataset import features_as_of as table
from regulars.profile.evaluate import evaluate, learn
from regulars.profile.page import Page, page, profiles

__all__ = ["Page", "evaluate", "learn", "page", "profiles", "table"]
