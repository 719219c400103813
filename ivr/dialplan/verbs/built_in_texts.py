"""Built-in prompts of a question, as templates in the languages of a plan. Their texts are in
``ivr.grammar.languages``; a language that has none says them in English.
"""

from collections.abc import Sequence

from ivr.dialplan.values.expressions import Template
from ivr.dialplan.values.markup import without_markup
from ivr.dialplan.values.texts import Spoken
from ivr.grammar.languages import registry
from ivr.grammar.languages.language import TextName

NOINPUT_TEXT = registry.text("noinput", "en")
NOMATCH_TEXT = registry.text("nomatch", "en")
GIVE_UP_TEXT = registry.text("give_up", "en")
"""Said before the call is ended when a gather gives up and names no step to go to."""
YES_OR_NO_TEXT = registry.text("yes_or_no", "en")


def built_in(name: TextName, languages: Sequence[str]) -> Spoken:
    """Return the prompt ``name`` in the languages of a plan."""
    return Spoken(
        {language: Template(registry.text(name, language), without_markup) for language in languages}
    )
