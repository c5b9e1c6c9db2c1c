"""Permutations against Philox as its paper defines it, in plain Python."""

from __future__ import annotations

import pytest

from seqtrain.data.randomness import Purpose, permutation

MASK = 2**64 - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Four 64-bit words: Philox4x64 with ten rounds (Salmon et al. 2011)."""
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * counter[0], 0xCA5A826395121157 * counter[2]
        counter = [
            second >> 64 ^ counter[1] ^ key[0],
            second & MASK,
            first >> 64 ^ counter[3] ^ key[1],
            first & MASK,
        ]
        key = [key[0] + 0x9E3779B97F4A7C15 & MASK, key[1] + 0xBB67AE8584CAA73B & MASK]
    return counter


def test_the_oracle_gives_the_published_answers():
    """The known answers that the authors ship with their Random123 library."""
    zeros = "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"
    assert [f"{word:016x}" for word in philox([0] * 4, [0] * 2)] == zeros.split()


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("epoch", [0, 3, 2**64 - 1])
@pytest.mark.parametrize("purpose", Purpose)
def test_a_permutation_sorts_the_bits_of_seed_purpose_and_epoch(seed, epoch, purpose):
    bits = [word for block in range(5) for word in philox([block + 1, 0, 0, epoch], [seed, purpose])]
    expected = sorted(range(18), key=lambda index: bits[index])
    assert permutation(18, seed=seed, purpose=purpose, epoch=epoch).tolist() == expected


def test_a_longer_permutation_keeps_the_order_of_the_shorter():
    """So rows added at the end of a file do not shuffle the split of the others."""
    longer = permutation(50, seed=7, purpose=Purpose.SPLIT)
    assert longer[longer < 20].tolist() == permutation(20, seed=7, purpose=Purpose.SPLIT).tolist()
