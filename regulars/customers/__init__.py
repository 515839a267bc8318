"""Who are the customers: which ids are one, what is known of each, and what may not be done to them?

All of it is read off the log as of a moment; nothing else is stored.
"""

from regulars.customers.age import of_age
from regulars.customers.consent import consents_as_of, ledger, object_to, objections_as_of, withheld, withheld_from
from regulars.customers.identities import Identities
from regulars.customers.known import require_known
from regulars.customers.merging import merge, unmerge
from regulars.customers.one import one_customer
from regulars.customers.orders import bought_within, later_worth, ordered_within
from regulars.customers.view import customers_as_of

__all__ = [
    "Identities", "bought_within", "consents_as_of", "customers_as_of", "later_worth", "ledger", "merge", "object_to",
    "objections_as_of", "of_age", "one_customer", "ordered_within", "require_known", "unmerge", "withheld",
    "withheld_from",
]  # fmt: skip
