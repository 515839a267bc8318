"""What may be done with an order, and how? Typed actions, a policy in code, the one desk that does them."""

from regulars.support.order.actions import ACTIONS, Action, parse, schemas
from regulars.support.order.backend import Backend, OwnTables
from regulars.support.order.desk import Desk, Proposal, Result
from regulars.support.order.policy import REASONS, STATES, Change, Policy, RefusedError, allowed, inverse, outcome
from regulars.support.order.things import Address, Customer, Line, Order, Payment, PaymentMethod, Product, Variant
from regulars.support.order.tools import Tools
from regulars.support.order.yes import is_no, is_yes

__all__ = [
    "ACTIONS", "REASONS", "STATES", "Action", "Address", "Backend", "Change", "Customer", "Desk", "Line", "Order",
    "OwnTables", "Payment", "PaymentMethod", "Policy", "Product", "Proposal", "RefusedError", "Result", "Tools",
    "Variant", "allowed", "inverse", "is_no", "is_yes", "outcome", "parse", "schemas",
]  # fmt: skip
