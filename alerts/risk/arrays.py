"""The kinds of numpy arrays that detectors take and give, for annotations. Whoever imports this module at run time loads numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
