"""Changed copies of photos: what happens to pictures on their way through the world, seeded."""

from tvcli.core.copies.changes import CHANGES, changed
from tvcli.core.copies.copier import copier

__all__ = ["CHANGES", "changed", "copier"]
