"""What could be done for each customer today, what would it bring, and what must not be done?"""

from regulars.lifecycle.actions.candidates import Action, Candidates, joined
from regulars.lifecycle.actions.exclusions import RULES, Facts, Rule, excluded
from regulars.lifecycle.actions.facts import facts_of
from regulars.lifecycle.actions.sources import candidates

__all__ = ["RULES", "Action", "Candidates", "Facts", "Rule", "candidates", "excluded", "facts_of", "joined"]
