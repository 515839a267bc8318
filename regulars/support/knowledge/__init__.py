"""What has the shop written down? A folder of its texts, read again when they change, and searched.

Begin: `Knowledge(Path("texts")).find("how long may I send it back")`.
"""

from regulars.support.knowledge.folder import Knowledge, Refreshed
from regulars.support.knowledge.searched import Found
from regulars.support.knowledge.text import EVERYONE, Text

__all__ = ["EVERYONE", "Found", "Knowledge", "Refreshed", "Text"]
