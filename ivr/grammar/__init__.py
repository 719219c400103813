"""What a caller may be expected to say: phrases, typed values, the words of a language; and matching."""
