"""The numbers that augmentation draws: uniform, independent, and the same wherever drawn."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.augment._quantiles import beta, log_uniform
from zoo.augment._random import Use, draws, shifted, unit

MANY = torch.arange(100_000)
MASK = 2**64 - 1


def splitmix(state, number):
    """Output `number` of the generator that begins with `state`, with Python's own integers."""
    z = (state + number * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


def signed(bits):
    return bits - 2**64 if bits >= 2**63 else bits


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(Use))
def test_the_bits_are_those_of_splitmix64(state, use):
    """Products of int64 wrap and shifts bring in zeros, as the published generator needs."""
    from zoo.augment._random import Draws

    ours = Draws(torch.tensor([state])).bits(use).item()
    assert ours == signed(splitmix(state & MASK, use))


def test_the_first_outputs_are_the_published_ones():
    """SplitMix64 from the seed 1234567, as its authors' C program prints them."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [splitmix(1234567, number) for number in (1, 2, 3)] == published


@given(st.data())
def test_a_number_depends_on_seed_epoch_and_index_only(data):
    """Whatever else is in the batch, in whatever order."""
    seed, epoch = data.draw(st.integers(0, 2**63 - 1)), data.draw(st.integers(0, 10**6))
    indices = data.draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=9))
    whole = draws(torch.tensor(indices), seed, epoch)
    for place, index in enumerate(indices):
        alone = draws(torch.tensor([index]), seed, epoch)
        for use in (Use.FLIP, Use.BOX_COLUMN):
            assert alone.bits(use).item() == whole.bits(use)[place].item()
            assert torch.equal(alone.tries(3).bits(use)[:, 0], whole.tries(3).bits(use)[:, place])


def test_torchs_own_generator_is_left_alone():
    """Neither read nor moved on: dropout draws from it."""
    before = torch.get_rng_state()
    first = draws(MANY[:9], 1, 2).uniform(Use.MIXUP)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert torch.equal(draws(MANY[:9], 1, 2).uniform(Use.MIXUP), first)


def chi_square(cells, num_cells):
    """How far counts are from even, in standard deviations of what chance would give."""
    counts = torch.bincount(cells, minlength=num_cells).double()
    expected = len(cells) / num_cells
    statistic = ((counts - expected) ** 2 / expected).sum().item()
    return (statistic - (num_cells - 1)) / math.sqrt(2 * (num_cells - 1))


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (0, 1), (1, 0), (2**63 - 1, 300)])
def test_numbers_are_uniform(seed, epoch):
    """In each of 64 cells as many as in any other, for each use, and never 1."""
    numbers = draws(MANY, seed, epoch)
    for use in Use:
        drawn = numbers.uniform(use)
        assert 0 <= drawn.min() < drawn.max() < 1
        assert abs(chi_square((drawn * 64).long(), 64)) < 5


def test_every_bit_is_fair():
    """Half of the draws have it, the lowest and the highest included."""
    bits = draws(MANY, 3, 4).bits(Use.PARTNER)
    for place in range(64):
        share = ((bits >> place) & 1).double().mean().item()
        assert abs(share - 0.5) < 5 * 0.5 / math.sqrt(len(MANY))


def test_neighbours_tell_nothing_of_one_another():
    """The next sample, the next epoch, the next seed, the next use: pairs fill their square."""
    here = draws(MANY, 5, 6).uniform(Use.CROP_ROW)
    others = {
        "sample": draws(MANY + 1, 5, 6).uniform(Use.CROP_ROW),
        "epoch": draws(MANY, 5, 7).uniform(Use.CROP_ROW),
        "seed": draws(MANY, 6, 6).uniform(Use.CROP_ROW),
        "use": draws(MANY, 5, 6).uniform(Use.CROP_COLUMN),
        "seed and epoch": draws(MANY, 6, 5).uniform(Use.CROP_ROW),
    }
    for name, there in others.items():
        cells = (here * 16).long() * 16 + (there * 16).long()
        assert abs(chi_square(cells, 256)) < 5, name
        assert abs(torch.corrcoef(torch.stack([here, there]))[0, 1]) < 5 / math.sqrt(len(MANY))


def test_no_two_streams_are_the_same():
    """Seed 1 epoch 2 is not seed 2 epoch 1, and no use repeats another's numbers."""
    first = {
        tuple(draws(MANY[:2], seed, epoch).bits(use).tolist())
        for seed, epoch, use in itertools.product(range(12), range(12), Use)
    }
    assert len(first) == 144 * len(Use)


def test_tries_are_independent_of_one_another_and_of_the_sample():
    """A second try does not repeat the first."""
    numbers = draws(MANY, 0, 0)
    tries = numbers.tries(4).uniform(Use.ERASE_AREA)
    assert tries.shape == (4, len(MANY))
    drawn = torch.cat([tries, numbers.uniform(Use.ERASE_AREA)[None]])
    off_diagonal = torch.corrcoef(drawn) - torch.eye(5)
    assert off_diagonal.abs().max() < 5 / math.sqrt(len(MANY))


@given(st.integers(1, 40), st.integers(0, 5))
def test_whole_numbers_are_even_below_their_bound(bound, seed):
    """Each of them, and none beyond; a bound may be each sample's own."""
    drawn = draws(MANY[:20_000], seed, 0).below(Use.PARTNER, bound)
    assert 0 <= drawn.min() <= drawn.max() < bound
    assert bound == 1 or abs(chi_square(drawn, bound)) < 6
    own = draws(MANY[:9], seed, 0).below(Use.PARTNER, torch.full((9,), bound))
    assert torch.equal(own, drawn[:9])


@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 63))
def test_shifts_bring_in_zeros(bits, places):
    """As for a number without a sign."""
    assert shifted(torch.tensor(bits), places).item() == (bits & MASK) >> places


def test_fractions_are_exact_multiples():
    """24 bits fit into a float32 without rounding, wherever they are taken from."""
    ones = torch.tensor([-1, 0])
    for skip in (0, 12):
        assert unit(ones, skip).tolist() == [1 - 2**-24, 0]


CLOSED = {
    0.5: lambda x: (2 / math.pi) * x.sqrt().asin(),
    1.0: lambda x: x,
    2.0: lambda x: 3 * x**2 - 2 * x**3,
    3.0: lambda x: x**3 * (10 - 15 * x + 6 * x**2),
}
"""Distribution functions of Beta(alpha, alpha) that can be written down."""


@pytest.mark.parametrize("alpha", CLOSED)
def test_shares_are_beta_distributed(alpha):
    """Kolmogorov's distance from the distribution function in closed form."""
    drawn = beta(alpha).at(draws(MANY, 0, 0).bits(Use.MIXUP)).double().sort().values
    expected = CLOSED[alpha](drawn)
    empirical = torch.arange(1, len(MANY) + 1) / len(MANY)
    assert (expected - empirical).abs().max() < 1.95 / math.sqrt(len(MANY))  # 1 in 1000


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.4, 1.0, 4.0, 10.0])
def test_shares_have_the_moments_of_their_beta_distribution(alpha):
    """Mean, variance and fourth moment, for alphas that have no closed form too."""
    drawn = beta(alpha).at(draws(MANY, 1, 0).bits(Use.CUTMIX)).double()
    assert 0 <= drawn.min() <= drawn.max() <= 1
    off = drawn - 0.5
    variance = 1 / (4 * (2 * alpha + 1))
    fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3))
    noise = 5 / math.sqrt(len(MANY))
    assert abs(off.mean()) < noise * math.sqrt(variance)
    assert off.square().mean().item() == pytest.approx(variance, abs=noise * math.sqrt(fourth))
    assert (off**4).mean().item() == pytest.approx(fourth, rel=0.1)


def test_shares_of_a_small_alpha_reach_both_ends():
    """Where mixup with alpha 0.2 mostly is: nearly all of the one, or of the other."""
    drawn = beta(0.2).at(draws(MANY, 0, 0).bits(Use.MIXUP))
    # P(x < 0.01) from the series of the incomplete beta function, the first term of which rules.
    norm = math.gamma(0.2) ** 2 / math.gamma(0.4)
    expected = 0.01**0.2 / 0.2 / norm * (1 + 0.2 * 0.8 / 1.2 * 0.01)
    for share in ((drawn < 0.01), (drawn > 0.99)):
        assert share.double().mean().item() == pytest.approx(expected, abs=0.008)


def test_logarithms_of_ratios_are_uniform():
    """From a third to three as many upright boxes as lying ones."""
    drawn = log_uniform(1 / 3, 3).at(draws(MANY, 0, 0).bits(Use.ERASE_RATIO))
    assert 1 / 3 - 1e-6 <= drawn.min() <= drawn.max() <= 3 + 1e-6
    cells = ((drawn.double().log() / math.log(3) + 1) / 2 * 32).long().clamp(0, 31)
    assert abs(chi_square(cells, 32)) < 5


@pytest.mark.gpu
def test_a_gpu_draws_the_same_numbers():
    """Bit for bit, variates included."""
    here, there = draws(MANY, 7, 8), draws(MANY.cuda(), 7, 8)
    for use in Use:
        assert torch.equal(here.bits(use), there.bits(use).cpu())
        assert torch.equal(here.uniform(use), there.uniform(use).cpu())
        assert torch.equal(here.below(use, 9), there.below(use, 9).cpu())
    for quantiles in (beta(0.2), beta(1), log_uniform(0.3, 3.3)):
        bits = here.bits(Use.MIXUP)
        assert torch.equal(quantiles.at(bits), quantiles.at(bits.cuda()).cpu())
