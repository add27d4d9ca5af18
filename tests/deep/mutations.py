"""The table of mutations: every named way in which the house is broken to prove its tests."""

from __future__ import annotations

from tests.deep.mutations_measuring import MEASURING
from tests.deep.mutations_pooling import POOLING

__all__ = ["MUTATIONS"]

MUTATIONS = (*MEASURING, *POOLING)
