"""PatchCamelyon's images: too many to hold in memory, too few to need files of their own."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

# C = channels, H/W = rows/columns


class Patches(Dataset[tuple[torch.Tensor, int]]):
    """One part of PatchCamelyon as tensors; zoo's cache takes it.

    Args:
        images: torchvision's dataset, which opens its file for each image.
        folder: of the files.
        part: `train` or `test`.
    """

    def __init__(self, images: Any, folder: Path, part: str) -> None:
        self.images = images
        self.files = [folder / f"camelyonpatch_level_2_split_{part}_{what}.h5" for what in "xy"]
        with images.h5py.File(self.files[1]) as file:
            self.labels = torch.from_numpy(np.asarray(file["y"])).flatten().long()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return an image, uint8 (3, H, W), and its class."""
        image, label = self.images[index]
        return torch.tensor(np.asarray(image).transpose(2, 0, 1)), int(label)

    def cache_key(self) -> str:
        """Return a text that is another one whenever a file is."""
        facts = [(str(file.absolute()), file.stat()) for file in self.files]
        told = [f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in facts]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()
