"""The table of mutations: every named way in which the house is broken to prove its tests."""

from __future__ import annotations

from tests.deep.mutations_measuring import MEASURING
from tests.deep.mutations_pooling import POOLING
from tests.deep.mutations_workshop import WORKSHOP

__all__ = ["MUTATIONS"]

MUTATIONS = (*MEASURING, *POOLING, *WORKSHOP)
