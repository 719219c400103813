"""``ivr check``: rules over a plan that loads, and what they find."""
