"""The built-in verbs of the language. ``ivr.dialplan.engine.registry`` lists them."""
