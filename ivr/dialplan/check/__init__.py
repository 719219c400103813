"""``ivr check``: what is wrong with a plan that loads."""

from ivr.dialplan.check.checker import FAMILIES, RULES, check_file, check_plan
from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Surroundings

__all__ = ["FAMILIES", "RULES", "Finding", "Rule", "Surroundings", "check_file", "check_plan"]
