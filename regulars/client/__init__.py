"""Sends events to a server of Regulars: `Client`, or `AsyncClient` in a program with an event loop.

Both gather calls and send them in batches; what was not acknowledged is sent again, and counts once all the same.
`browser.js` beside this file is the same for pages.
"""

from regulars.client.asynchronous import AsyncClient
from regulars.client.call import Call
from regulars.client.sending import SendError
from regulars.client.synchronous import Client

__all__ = ["AsyncClient", "Call", "Client", "SendError"]
