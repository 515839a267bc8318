"""What decisions stand on: the shop in memory, brought forward by every event before it is acknowledged.

All of it is touched by one thread, that of the server's event loop, but for what is read anew from the disk: that is
made aside and put in place whole. So calls need no locks, and a new model takes over between two requests.
"""

from regulars.serve.live.lists import LiveLists
from regulars.serve.live.shop import LiveShop

__all__ = ["LiveLists", "LiveShop"]
