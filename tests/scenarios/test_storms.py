"""Sessions through all faults together, in virtual time.

A failure names its seed and the command that runs it again.
"""

import os

import pytest

from tests.support.storm import run

SEEDS = [int(os.environ["P2P_SEED"])] if "P2P_SEED" in os.environ else range(8)
BLOCK = 100  # seeds


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds(seed):
    """Nothing is lost or doubled, the picture is right, and both ends agree."""
    run(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(100))
def test_ten_thousand_seeds(block):
    """The same for many more."""
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        run(seed)
