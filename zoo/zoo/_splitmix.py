"""SplitMix64, of which all of zoo's randomness is made that must not depend on a state.

Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014.
"""

GOLDEN = 0x9E3779B97F4A7C15
"""What a state moves on by."""
FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""Of the finaliser."""
MASK = (1 << 64) - 1


def hashed(*numbers: int) -> int:
    """Hash integers into 64 bits: the finaliser, applied once per number."""
    state = 0
    for number in numbers:
        state = (state + number + GOLDEN) & MASK
        state = ((state ^ (state >> 30)) * FACTORS[0]) & MASK
        state = ((state ^ (state >> 27)) * FACTORS[1]) & MASK
        state ^= state >> 31
    return state
