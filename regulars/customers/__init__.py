"""Who are the customers: which ids are one, what is known of each, and what may not be done to them?

All of it is read off the log as of a moment; nothing else is stored.
"""

from regulars.customers.identities import Identities
from regulars.customers.orders import ordered_within

__all__ = ["Identities", "ordered_within"]
