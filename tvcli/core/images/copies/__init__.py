"""Changed copies of photos: what happens to pictures on their way through the world, seeded.

Read: `change`, `look`, `quality`, `geometric`, `changes`, `truth`, `making`.
"""

from tvcli.core.images.copies.changes import CHANGES, changed

__all__ = ["CHANGES", "changed"]
