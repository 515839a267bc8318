"""How likely is a click, and how likely an order after it? Calibrated, also by field, and kept so from day to day."""

from regulars.ads.prediction.calibration import FieldCalibration
from regulars.ads.prediction.delay import Delay, ripened
from regulars.ads.prediction.model import ClickModel
from regulars.ads.prediction.rows import AdRows, Vocabulary
from regulars.ads.prediction.value import impression_value

__all__ = ["AdRows", "ClickModel", "Delay", "FieldCalibration", "Vocabulary", "impression_value", "ripened"]
