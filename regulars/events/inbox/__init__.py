"""Live events on their way into the log: on the disk before they are acknowledged, in the log once.

Whoever takes events in `put`s them; they lie in order until `fold` has put them into the log in one commit, and are
deleted then. Where they lie is a `Store`: SQLite in the shop's folder, or a stream of Redis.
"""

from regulars.events.inbox.folding import Folded, fold
from regulars.events.inbox.inbox import Inbox
from regulars.events.inbox.opening import FOLDER, open_reader, open_store
from regulars.events.inbox.store import Entry, Reader, Store

__all__ = ["FOLDER", "Entry", "Folded", "Inbox", "Reader", "Store", "fold", "open_reader", "open_store"]
