"""Sends events to a server of Regulars and asks it for decisions: `Client`, or `AsyncClient` beside an event loop.

Both gather calls and send them in batches; what was not acknowledged is sent again, and counts once all the same.
`browser.js` beside this file is the same for pages.
"""

from regulars.client.asynchronous import AsyncClient
from regulars.client.call import Call
from regulars.client.sending import AskError, SendError
from regulars.client.synchronous import Client

__all__ = ["AskError", "AsyncClient", "Call", "Client", "SendError"]
