"""annoy's file, checked node by node: annoy itself follows whatever numbers a file holds.

A node is an int32 count of the items below it, two int32 children (of an item: its norm), and D
float32. Items come first, then nodes, children before parents; copies of the roots end the file.
A node of no more than D + 2 items has their numbers in place of children and vector.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tvcli.core.files.artifacts import slices

NODES_AT_ONCE = 65_536  # nodes checked at a time

Ints = npt.NDArray[np.int32]


def stamp_of(path: Path) -> list[int]:
    """Return what tells a file written here from one that came from elsewhere, or was changed.

    The time of the last change of its status is the system's own: nobody else can foretell it.
    """
    status = path.stat()
    return [status.st_ino, status.st_ctime_ns, status.st_size]


def is_sound(path: Path, dimension: int, items: int) -> bool:
    """Tell whether annoy can search a file of some items of (D,) float32 without leaving it."""
    width = dimension + 3  # int32 of a node
    size = path.stat().st_size
    if size % (4 * width) or not 0 < items <= size // (4 * width):
        return False
    nodes: Ints = np.memmap(path, np.int32, "r", shape=(size // (4 * width), width))
    roots = _roots(nodes[:, 0])
    parents = np.zeros(len(nodes), np.int32)
    blocks = slices(len(nodes), NODES_AT_ONCE)
    return (
        int(nodes[-1, 0]) == items
        and all(_is_sound_block(nodes, rows, items, roots, parents) for rows in blocks)
        and bool((parents <= 1).all())
    )


def _is_sound_block(nodes: Ints, rows: slice, items: int, roots: int, parents: Ints) -> bool:
    """Tell whether items count one, lists name items, and parents their own earlier nodes."""
    numbers = np.arange(rows.start, rows.stop)
    counts = nodes[rows, 0]
    lists = (numbers >= items) & (counts <= nodes.shape[1] - 1)
    inner = (numbers >= items) & ~lists
    return bool(
        (counts[numbers < items] == 1).all()
        and (counts >= 1).all()
        and _name_items(nodes[rows][lists], items)
        and _are_trees(nodes[rows][inner, 1:3], numbers[inner], items, roots, parents)
    )


def _name_items(lists: Ints, items: int) -> bool:
    listed = np.arange(lists.shape[1] - 1) < lists[:, :1]
    return bool(((lists[:, 1:] >= 0) & (lists[:, 1:] < items))[listed].all())


def _are_trees(
    children: Ints, numbers: npt.NDArray[np.intp], items: int, roots: int, parents: Ints
) -> bool:
    """Tell whether every child comes before its parent; count parents, copies of roots apart."""
    if not ((children >= 0) & (children < numbers[:, None])).all():
        return False
    own = children[numbers < roots].ravel()
    np.add.at(parents, own[own >= items], 1)
    return True


def _roots(counts: Ints) -> int:
    """Return where the copies of the roots begin: the last nodes, all above the same items."""
    others = np.flatnonzero(counts != counts[-1])
    return int(others[-1]) + 1 if len(others) else 0
