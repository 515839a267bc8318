"""What is true for this customer? Answers from the shop's own texts and the customer's own orders, each sentence cited.

Begin: `Chat(desk, answer=Answers(Knowledge(folder)))`.
"""

from regulars.support.answer.answers import Answers
from regulars.support.answer.grounded import Answered, Said, Source
from regulars.support.answer.products import Item, Products

__all__ = ["Answered", "Answers", "Item", "Products", "Said", "Source"]
