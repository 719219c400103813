"""A plan as objects: what every verb is, steps, routes, universals, and the graph of ways through it."""
