"""The spelling alphabet of the ICAO and NATO, which people use on the telephone in English and in French."""

_WORDS = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec"
    " romeo sierra tango uniform victor whiskey xray yankee zulu"
)
SPELLING_ALPHABET = {word: word[0] for word in _WORDS.split()} | {"alfa": "a", "juliett": "j", "whisky": "w"}
"""Word to letter."""
