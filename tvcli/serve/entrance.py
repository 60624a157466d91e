"""How a browser is let in: a ticket in the address is exchanged once for the page's session."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

LIFETIME = 60.0  # seconds: what is left in a history, in `ps` or in a log opens nothing

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Session:
    """What a page holds: the token of every request, and the pass that only reads pictures.

    Elements that show pictures send no headers, so the pass stands in their addresses.
    """

    token: str
    pictures: str

    def as_json(self) -> dict[str, str]:
        """Return it as a page is told of it."""
        return {"token": self.token, "pictures": self.pictures}


class Entrance:
    """One session, and the one ticket to it that is good now.

    A ticket is good once, for `LIFETIME`. Who comes without one has the person told a new one,
    where tv runs, unless the last one told is still good: so reading that terminal is what lets in.
    """

    def __init__(
        self, token: str, tell: Callable[[str], None], clock: Clock = time.monotonic
    ) -> None:
        self.session = Session(token, new_secret())
        self._tell, self._clock = tell, clock
        self._ticket: str | None = None
        self._ends = 0.0

    def invite(self) -> None:
        """Tell a new ticket, unless the last one is still good."""
        if self._ticket is None or self._clock() >= self._ends:
            self._ticket, self._ends = new_secret(), self._clock() + LIFETIME
            self._tell(self._ticket)

    def enter(self, ticket: str) -> Session | None:
        """Return the session for a ticket that is good, which it is no more; else None."""
        good = self._ticket is not None and self._clock() < self._ends
        if good and self._ticket and is_same(ticket, self._ticket):
            self._ticket = None
            return self.session
        self.invite()
        return None


def new_secret() -> str:
    """Return text that cannot be guessed."""
    return secrets.token_urlsafe(18)


def is_same(given: str, secret: str) -> bool:
    """Tell whether a text is a secret, in a time that says nothing of how near it came."""
    return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
