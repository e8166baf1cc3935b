"""The faults, each with what is promised while it lasts. A broken promise is an `AssertionError`.

What is promised of all of them (nothing acked is lost, stored twice or reordered; every listener
hears everything in order; the cluster is whole again) is checked by who plays them.
"""

from __future__ import annotations

import node_faults
import store_faults
from fault import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "node_faults", "store_faults"]
