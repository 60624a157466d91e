"""Changed copies of photos: what happens to pictures on their way through the world, seeded.

Read: `transforms`, `change`, `look`, `quality`, `geometric`, `glyphs`, `overlays`, `grounds`,
`composed`, `feed`, `camera`, `photographed`, `several`, `changes`, `others`, `truth`, `making`.
"""

from tvcli.core.images.copies.changes import CHANGES, changed

__all__ = ["CHANGES", "changed"]
