"""Who is this customer, as of any moment?

A hundred declared features (`regulars.profile.features`), each from events before the moment alone; a
stage of life by the shop's own rhythm; interests, habits, prices and the next order, shrunk to what is usual in the
shop; and a page in words, each sentence with the events that it rests on.
"""

from regulars.language.verify import Fact, verify
from regulars.profile.dataset import features_as_of as table
from regulars.profile.dataset import rows
from regulars.profile.evaluate import evaluate, learn
from regulars.profile.page import Page, page, profiles

__all__ = ["Fact", "Page", "evaluate", "learn", "page", "profiles", "rows", "table", "verify"]
