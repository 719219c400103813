"""What plans need besides the call: HTTP back ends, mail, a language model."""
