"""Conditions as a person writes them, read by recursive descent.

    label=dress    price<50    taken>=2024-06    image^=shop/    label in (dress, skirt)
    (label=dress or label=skirt) and price<50 and not sold=true

    condition   = all { "or" all }
    all         = one { "and" one }
    one         = "not" one | "(" condition ")" | comparison
    comparison  = name ( "=" | "!=" | "^=" | "<" | "<=" | ">" | ">=" ) value
                | name [ "not" ] "in" "(" value { "," value } ")"

A name with other characters than letters, digits, `_`, `.` and `-` stands in double quotes. A value
stands in single or double quotes (twice for one of them), or is what comes before `)`, `and`, `or`
or the end; one without quotes that looks like a comparison with a slip in it is refused.
"""

import re
from collections.abc import Callable
from typing import NoReturn

from tvcli.core.engines.conditions import And, Comparison, Condition, Not, Or
from tvcli.core.errors import UsageError

MOST_CHARACTERS = 2000
MOST_DEPTH = 32
SHOWN = 24  # characters of what is wrong

NAME = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w.-]*)')
OPERATOR = re.compile(r"!=|\^=|<=|>=|<>|==|=|<|>")
QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
WORD = re.compile(r"[^\W\d]\w*")
AND_OR = re.compile(r"&&|\|\|")
GAP = re.compile(r"[\s,;]\s*")
SIGN = re.compile(r"[=<>]|\bin\s*\(", re.IGNORECASE)  # of another comparison
IN = re.compile(r"(not\s+)?in\s*\(", re.IGNORECASE)
# Where a value without quotes ends: before another condition, as far as it looks like one.
NEXT = re.compile(
    r"\s+(?:and|or)(?:\s*$|[\s(]+(?:not[\s(]+)*"
    rf"(?:{NAME.pattern})\s*(?:[=<>]|!=|\^=|(?:not\s+)?in\s*\())",
    re.IGNORECASE,
)
WRITE = "write COLUMN=VALUE, COLUMN!=VALUE, COLUMN^=START, COLUMN<VALUE or COLUMN in (VALUE, …)"


def parse_condition(text: str) -> Condition:
    """Read a condition such as `label=dress` or `price<50 and not label in (shoe, boot)`.

    Raises:
        UsageError: no condition; the message shows where it stops being one.
    """
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"--where: a condition of more than {MOST_CHARACTERS} characters")
    return _Reader(text).whole()


class _Reader:
    """Reads one condition, from `_at` on."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._depth = self._open = 0

    def whole(self) -> Condition:
        found = self._condition()
        if self._rest():
            self._fail("and, or, or the end comes here")
        return found

    def _condition(self) -> Condition:
        parts = [self._all()]
        while self._word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self) -> Condition:
        if self._is_not():
            self._word("not")
            return Not(self._deeper(self._one))
        if self._sign("("):
            opened = self._at - 1
            self._open += 1
            found = self._deeper(self._condition)
            if not self._sign(")"):
                self._fail("this ( is never closed", opened)
            self._open -= 1
            return found
        return self._comparison()

    def _deeper(self, read: Callable[[], Condition]) -> Condition:
        if self._depth == MOST_DEPTH:
            self._fail(f"nested more than {MOST_DEPTH} deep")
        self._depth += 1
        found = read()
        self._depth -= 1
        return found

    def _comparison(self) -> Condition:
        self._rest()
        match = NAME.match(self._text, self._at)
        if match is None:
            self._fail(f"a condition is missing: {WRITE}")
        name = match[1].replace('""', '"') if match[1] else match[2]
        self._at = match.end()
        self._rest()
        if among := IN.match(self._text, self._at):
            self._at = among.end()
            found = self._list(name, among.end() - 1)
            return Not(found) if among[1] else found
        sign = OPERATOR.match(self._text, self._at)
        if sign is None:
            self._fail(f"after {name}: {WRITE}")
        if sign[0] in ("==", "<>"):
            self._fail(f"write {'=' if sign[0] == '==' else '!='}")
        self._at = sign.end()
        value = self._value()
        if value == "" and sign[0] not in ("=", "!="):
            self._fail("a value is missing")
        return Comparison(name, sign[0], value)

    def _list(self, name: str, opened: int) -> Condition:
        values = [self._value(among=True)]
        while self._sign(","):
            values.append(self._value(among=True))
        if not self._sign(")"):
            self._fail("this ( is never closed", opened)
        found = tuple(Comparison(name, "=", value) for value in values)
        return found[0] if len(found) == 1 else Or(found)

    def _value(self, *, among: bool = False) -> str:
        self._rest()
        if quoted := QUOTED.match(self._text, self._at):
            self._at = quoted.end()
            one, two = quoted.groups()
            return one.replace("''", "'") if one is not None else two.replace('""', '"')
        end = self._end(among)
        self._check_unquoted(end)
        value = self._text[self._at : end].strip()
        if among and not value:
            self._fail("a value is missing")
        self._at = end
        return value

    def _check_unquoted(self, end: int) -> None:
        """Refuse a value without quotes that is none, but a slip in what comes after it."""
        if self._text[self._at : end].startswith(("'", '"')):
            self._fail("this quote is never closed; twice for one inside: 'it''s'")
        if slip := AND_OR.search(self._text, self._at, end):
            self._fail(f"write {'and' if '&' in slip[0] else 'or'}", slip.start())
        gap = GAP.search(self._text, self._at, end)
        if gap and SIGN.search(self._text, gap.end(), end):
            self._fail("write and, or, or quotes around the value: NAME='a b'", gap.end())

    def _end(self, among: bool) -> int:
        """Return where a value without quotes ends."""
        if among:
            match = re.compile(r"[,)]").search(self._text, self._at)
            return match.start() if match else len(self._text)
        ends = [len(self._text)]
        if match := NEXT.search(self._text, self._at - 1 if self._at else 0):
            ends.append(max(match.start(), self._at))
        if self._open and (match := re.compile(r"\)").search(self._text, self._at)):
            ends.append(match.start())
        return min(ends)

    def _is_not(self) -> bool:
        """Tell whether the word not comes, and no column of that name."""
        rest = self._rest()
        return bool(re.match(r"not(?=\s+[\w\"(]|\()", rest, re.IGNORECASE)) and not re.match(
            r"not\s+in\s*\(", rest, re.IGNORECASE
        )

    def _word(self, word: str) -> bool:
        self._rest()
        match = WORD.match(self._text, self._at)
        if match is None or match[0].lower() != word:
            return False
        self._at = match.end()
        return True

    def _sign(self, sign: str) -> bool:
        if not self._rest().startswith(sign):
            return False
        self._at += len(sign)
        return True

    def _rest(self) -> str:
        """Skip spaces; return what is left."""
        rest = self._text[self._at :]
        self._at += len(rest) - len(rest.lstrip())
        return rest.lstrip()

    def _fail(self, what: str, at: int | None = None) -> NoReturn:
        place = self._at if at is None else at
        rest = self._text[place : place + SHOWN]
        more = "…" if len(self._text) > place + SHOWN else ""
        where = f"at {rest + more!r}" if rest.strip() else "at its end"
        raise UsageError(f"--where {self._text!r:.200}, {where}: {what}")
