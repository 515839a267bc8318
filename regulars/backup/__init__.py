"""Copies of a shop that can be trusted: what is kept, whether it is whole, and the shop as it was at a moment.

Equal bytes are kept once, under their hash; each backup is a numbered, sealed list of all files of the shop, with the
hash of the list before it. So a backup costs what changed, one that lacks anything is told, and each can be restored
without those before it.
"""

from regulars.backup.checking import Checked, Fault, check
from regulars.backup.restoring import Restored, restore
from regulars.backup.taking import Taken, take

__all__ = ["Checked", "Fault", "Restored", "Taken", "check", "restore", "take"]
