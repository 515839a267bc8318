"""How fast may a budget be spent? A plan for the day that is learned, a price of money that follows it, a hard stop."""

from regulars.ads.pacing.clock_day import ClockDay
from regulars.ads.pacing.curve import SpendCurve
from regulars.ads.pacing.pacer import Pacer, Permit
from regulars.ads.pacing.played import Day, Threshold, paced_day, smoothness_error

__all__ = ["ClockDay", "Day", "Pacer", "Permit", "SpendCurve", "Threshold", "paced_day", "smoothness_error"]
