"""Rules that span several fields: their words, the field they blame, and how an API server checks them."""

from dataclasses import dataclass

from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cel:
    """A rule in CEL, as an API server evaluates it when a Pipeline is applied.

    - `holds`: true when the rule is kept; `self` is the part that the rule belongs to, or an item of `each`.
    - `each`: a list of the part whose items the rule is about; "": the part itself.
    - `words`: an expression that makes the rule's words where they hold values; "": they hold none.
    """

    holds: str
    each: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a part, the same at every door of the product.

    - `words`: what the user reads, with `{names}` for values.
    - `field`: the path (aliases) below the part that it blames; "": the part itself.
    - `cel`: how an API server checks it; None: it cannot, and the operator does, who reads the models.
    - `by_key`: an API server sees to it that no two items of the list have the same key.
    """

    words: str
    field: str = ""
    cel: Cel | None = None
    by_key: bool = False

    def broken(self, *field: str, **values: object) -> PydanticCustomError:
        """Return the error of this rule; `field` is given where it has indices in it."""
        words = self.words.format(**values) if values else self.words
        path = list(field) or [part for part in self.field.split(".") if part]
        return PydanticCustomError("rule", "{text}", {"text": words, "field": path})


def one_of(*kinds: str) -> Rule:
    """Return the rule that exactly one of these fields is given."""
    given = ", ".join(f"has(self.{kind})" for kind in kinds)
    cel = Cel(holds=f"[{given}].filter(given, given).size() == 1")
    return Rule(f"exactly one of {', '.join(kinds)} must be given", cel=cel)
