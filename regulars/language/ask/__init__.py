"""What does somebody want to know of the shop? A question in words becomes a rule or a chart, shown before it runs.

Neither a template nor a language model writes SQL: both write one line of a fixed grammar, which is read strictly.
"""

from regulars.language.ask.chart import Chart, drawn
from regulars.language.ask.known import Known
from regulars.language.ask.plan import Segment, read_plan
from regulars.language.ask.understand import NotUnderstoodError, Understood, understand

__all__ = ["Chart", "Known", "NotUnderstoodError", "Segment", "Understood", "drawn", "read_plan", "understand"]
