"""torchvision's datasets of image files that there are in several versions."""

from pathlib import Path
from typing import Literal

from zoo_registry import InvalidOption, Splits

from ._photo_splits import Channels, ImageSize, splits_of
from ._sets import Source, open_sets


def dtd(
    root: Path,
    source: str,
    *,
    partition: int = 1,
    image_size: ImageSize = None,
    channels: Channels = 3,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> Splits:
    """Return the Describable Textures, of which a third is the test part.

    M. Cimpoi et al., "Describing Textures in the Wild", 2014, https://arxiv.org/abs/1311.3618.

    Args:
        root: as `zoo_torchvision.photos:photos`.
        source: as `zoo_torchvision.photos:photos`.
        partition: which of its ten ways to split it, 1 to 10.
        image_size: as `zoo_torchvision.photos:photos`.
        channels: as `zoo_torchvision.photos:photos`.
        mean: as `zoo_torchvision.photos:photos`.
        std: as `zoo_torchvision.photos:photos`.

    Raises:
        ZooError: as `zoo_torchvision.photos:photos`.
    """
    if not 1 <= partition <= 10:
        raise InvalidOption(f"partition is {partition}; dtd has 1 to 10")
    parts = [{"split": split, "partition": partition} for split in ("train", "val", "test")]
    found = open_sets(source, Source("DTD", parts[:2], parts[2]), root)
    return splits_of(*found, size=image_size, channels=channels, mean=mean, std=std)


def fgvc_aircraft(
    root: Path,
    source: str,
    *,
    level: Literal["variant", "family", "manufacturer"] = "variant",
    image_size: ImageSize = None,
    channels: Channels = 3,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> Splits:
    """Return FGVC Aircraft.

    S. Maji et al., "Fine-Grained Visual Classification of Aircraft", 2013,
    https://arxiv.org/abs/1306.5151.

    Args:
        root: as `zoo_torchvision.photos:photos`.
        source: as `zoo_torchvision.photos:photos`.
        level: what is told apart: 100 variants, 70 families or 30 manufacturers.
        image_size: as `zoo_torchvision.photos:photos`.
        channels: as `zoo_torchvision.photos:photos`.
        mean: as `zoo_torchvision.photos:photos`.
        std: as `zoo_torchvision.photos:photos`.

    Raises:
        ZooError: as `zoo_torchvision.photos:photos`.
    """
    parts = [{"split": split, "annotation_level": level} for split in ("trainval", "test")]
    found = open_sets(source, Source("FGVCAircraft", parts[:1], parts[1]), root)
    return splits_of(*found, size=image_size, channels=channels, mean=mean, std=std)


def imagenette(
    root: Path,
    source: str,
    *,
    version: Literal["160px", "320px", "full"] = "320px",
    image_size: ImageSize = None,
    channels: Channels = 3,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> Splits:
    """Return Imagenette, J. Howard's ten easy classes of ImageNet.

    Args:
        root: as `zoo_torchvision.photos:photos`.
        source: as `zoo_torchvision.photos:photos`.
        version: which of its three archives: the length of the shorter side.
        image_size: as `zoo_torchvision.photos:photos`.
        channels: as `zoo_torchvision.photos:photos`.
        mean: as `zoo_torchvision.photos:photos`.
        std: as `zoo_torchvision.photos:photos`.

    Raises:
        ZooError: as `zoo_torchvision.photos:photos`.
    """
    folder = {"160px": "imagenette2-160", "320px": "imagenette2-320", "full": "imagenette2"}
    parts = [{"split": split, "size": version} for split in ("train", "val")]
    files = [f"{folder[version]}/{part}" for part in ("train", "val")]
    found = open_sets(source, Source("Imagenette", parts[:1], parts[1]), root, files=files)
    return splits_of(*found, size=image_size, channels=channels, mean=mean, std=std)


def inaturalist(
    root: Path,
    source: str,
    *,
    version: Literal["2021_train_mini", "2021_train"] = "2021_train_mini",
    image_size: ImageSize = None,
    channels: Channels = 3,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> Splits:
    """Return iNaturalist 2021, whose validation part is the test.

    G. Van Horn et al., "Benchmarking Representation Learning for Natural World Image
    Collections", 2021, https://arxiv.org/abs/2103.16483.

    Args:
        root: as `zoo_torchvision.photos:photos`.
        source: as `zoo_torchvision.photos:photos`.
        version: 500,000 images, or 2.7 million.
        image_size: as `zoo_torchvision.photos:photos`.
        channels: as `zoo_torchvision.photos:photos`.
        mean: as `zoo_torchvision.photos:photos`.
        std: as `zoo_torchvision.photos:photos`.

    Raises:
        ZooError: as `zoo_torchvision.photos:photos`.
    """
    parts = [{"version": part} for part in (version, "2021_valid")]
    files = [f"inaturalist/{part['version']}" for part in parts]
    where = Source("INaturalist", parts[:1], parts[1], folder="inaturalist")
    found = open_sets(source, where, root, files=files)
    return splits_of(*found, size=image_size, channels=channels, mean=mean, std=std)
