"""Filters: the rows of an index that the conditions of a search allow."""

from collections.abc import Sequence

import numpy as np

from tvcli.core.engines import Mask
from tvcli.core.engines.conditions import Condition
from tvcli.core.indexes.index import Index


def allowed_rows(index: Index, conditions: Sequence[Condition]) -> Mask | None:
    """Return which rows (N,) of an index meet all conditions; None without any.

    An index in a database gets them in its queries instead.
    """
    if index.remote is not None:
        index.remote.table.conditions = list(conditions)
        return None
    if not conditions:
        return None
    allowed = np.ones(len(index), bool)
    for condition in conditions:
        allowed &= [condition.holds(known) for known in index.read(condition.column)]
    return allowed
