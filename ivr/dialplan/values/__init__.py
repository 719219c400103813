"""The kinds of value in a plan: fields, expressions, texts, hours, prompt options, functions, variables."""
