"""What the options of augmentation do to a batch."""

from functools import cached_property, partial

import torch

from ._checks import require_colours
from ._colour import jittered
from ._erase import erased
from ._geometry import moved
from ._mix import mixed
from ._options import Options
from ._parts import by_parts
from ._quantiles import Quantiles, beta
from ._random import Draws, Use, draws

# B = batch, C = channels, H/W = rows/columns, K = classes


class Augment(Options):
    """Changes a training's samples at random, a whole batch at a time.

    What a sample gets is a pure function of (seed, epoch, its index), whatever batch it is in: the
    same numbers are drawn for it on any device. Nothing here waits for the device.
    """

    def raw(
        self, samples: torch.Tensor, indices: torch.Tensor, seed: int, epoch: int
    ) -> torch.Tensor:
        """Flip and crop images, then change their colours.

        Args:
            samples: (B, C, H, W) as the dataset has them; for colours uint8, or floats in 0..1.
            indices: of the samples in the dataset, int64 (B,), on the samples' device.
            seed: of the training.
            epoch: 0 or more.

        Returns:
            (B, C, H, W) of the same dtype; the samples themselves where nothing is to be done.

        Raises:
            InvalidOption: colours are to be changed of samples that are neither bytes nor floats.
        """
        if not (self.crop or self.flip or self.jitter):
            return samples
        return by_parts(partial(self._raw, seed=seed, epoch=epoch), samples, indices)

    def erased(
        self, samples: torch.Tensor, indices: torch.Tensor, seed: int, epoch: int
    ) -> torch.Tensor:
        """Set a box of some images to 0: normalised floats (B, C, H, W) -> the same."""
        if not self.erase:
            return samples
        return by_parts(partial(self._erased, seed=seed, epoch=epoch), samples, indices)

    def partners(
        self, indices: torch.Tensor, seed: int, epoch: int, num_samples: int
    ) -> torch.Tensor | None:
        """Draw whom each sample is mixed with: int64 (B,) in 0..num_samples-1; None: nobody."""
        if not self.mixes:
            return None
        return draws(indices, seed, epoch).below(Use.PARTNER, num_samples)

    def mixed(
        self,
        samples: torch.Tensor,
        targets: torch.Tensor,
        partner_samples: torch.Tensor,
        partner_targets: torch.Tensor,
        indices: torch.Tensor,
        seed: int,
        epoch: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mix samples with their partners, and targets by as much.

        Args:
            samples: floats (B, …), images (B, C, H, W) for cutmix.
            targets: probabilities, floats (B, K); `soft` makes them of class numbers.
            partner_samples: (B, …), those that `partners` drew.
            partner_targets: (B, K).
            indices: of the samples, not of their partners: int64 (B,), on the samples' device.
            seed: of the training.
            epoch: 0 or more.

        Returns:
            Samples and targets as they were given, mixed.

        Raises:
            InvalidOption: samples of whole numbers, which mixup can't average.
        """
        if not self.mixes:
            return samples, targets
        own, partners = (samples, targets), (partner_samples, partner_targets)
        return mixed(own, partners, draws(indices, seed, epoch), *self._kept)

    def _raw(
        self, samples: torch.Tensor, indices: torch.Tensor, seed: int, epoch: int
    ) -> torch.Tensor:
        numbers = draws(indices, seed, epoch)
        if self.crop or self.flip:
            flips = self._flips(indices, seed, epoch)
            samples = moved(samples, self.crop, self._corners(numbers), flips)
        if self.jitter:
            require_colours(samples)
            samples = jittered(samples, self._factors(numbers))
        return samples

    def _erased(
        self, samples: torch.Tensor, indices: torch.Tensor, seed: int, epoch: int
    ) -> torch.Tensor:
        return erased(samples, draws(indices, seed, epoch), self.erase)

    @cached_property
    def _kept(self) -> tuple[Quantiles | None, Quantiles | None]:
        """Return the shares that a sample keeps: in mixup, in cutmix."""
        mixup = beta(self.mixup) if self.mixup else None
        return mixup, beta(self.cutmix) if self.cutmix else None

    def _corners(self, numbers: Draws) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Draw the row and the column at which each cut begins."""
        if not self.crop:
            return None
        places = 2 * self.crop + 1
        return numbers.below(Use.CROP_ROW, places), numbers.below(Use.CROP_COLUMN, places)

    def _flips(self, indices: torch.Tensor, seed: int, epoch: int) -> torch.Tensor | None:
        """Tell which images are flipped: bool (B,)."""
        if not self.flip:
            return None
        if self.flip == "alternating":
            first = draws(indices, seed, 0).below(Use.FIRST_FLIP, 2)
            return (first + epoch) % 2 == 1
        return draws(indices, seed, epoch).below(Use.FLIP, 2) == 1

    def _factors(self, numbers: Draws) -> dict[str, torch.Tensor]:
        """Draw a factor for each change of colours: float32 (B,) each."""
        factors = {}
        for name, strength in self.jitter.items():
            low = max(0.0, 1 - strength)
            drawn = numbers.uniform(Use[name.upper()])
            factors[name] = drawn * (1 + strength - low) + low
        return factors
