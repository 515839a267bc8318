"""What the law gives a customer against a shop: a copy, an end, a limit to how long; and what it asks of the shop.

It stands over all capabilities, for a customer can be anywhere.
"""
