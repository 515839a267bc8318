"""Shops with renewals: how long subscriptions last, and who will end one at its next renewal."""

from regulars.churn.subscriptions.told import subscription_report, subscriptions

__all__ = ["subscription_report", "subscriptions"]
