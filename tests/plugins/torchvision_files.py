"""Tiny datasets in the layouts that torchvision reads: real files, in their own formats."""

import bz2
import csv
import hashlib
import json
import pickle

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat

from zoo_registry import resolve

NOISE = np.random.default_rng(0)


def read(spec, root, **options):
    """Build a dataset as a training does."""
    return resolve(spec.address)(root=root, **spec.arguments, **options)


def md5(path):
    """The checksum that torchvision compares."""
    return hashlib.md5(path.read_bytes()).hexdigest()


def photo(path, size=(12, 10), shade=100):
    """Write an image file, (rows, columns)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), shade, np.uint8)).save(path)


def lines(path, *texts):
    """Write a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{text}\n" for text in texts))


def idx(path, array, code=8):
    """Write an IDX file: a header of big-endian numbers, then the values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes((0, 0, code, array.ndim)) + np.asarray(array.shape, ">u4").tobytes()
    path.write_bytes(header + array.astype(">i4" if code == 12 else np.uint8).tobytes())


def images(*shape):
    """Noise in bytes."""
    return NOISE.integers(0, 256, shape, np.uint8)


def kmnist(root, _patch):
    for part, count in (("train", 20), ("t10k", 10)):
        idx(root / f"KMNIST/raw/{part}-images-idx3-ubyte", images(count, 28, 28))
        idx(root / f"KMNIST/raw/{part}-labels-idx1-ubyte", np.arange(count) % 10)


def qmnist(root, _patch):
    for part, count in (("train", 20), ("test", 10)):
        idx(root / f"QMNIST/raw/qmnist-{part}-images-idx3-ubyte", images(count, 28, 28))
        facts = np.stack([np.arange(count) % 10, *[np.full(count, 300)] * 7], axis=1)
        idx(root / f"QMNIST/raw/qmnist-{part}-labels-idx2-int", facts, code=12)


def emnist(root, kind, classes, first=0):
    for part, count in (("train", 2 * classes), ("test", classes)):
        idx(root / f"EMNIST/raw/emnist-{kind}-{part}-images-idx3-ubyte", images(count, 28, 28))
        labels = np.arange(count) % classes + first
        idx(root / f"EMNIST/raw/emnist-{kind}-{part}-labels-idx1-ubyte", labels)


def cifar100(root, patch):
    folder, kind = root / "cifar-100-python", torch_class("CIFAR100")
    folder.mkdir()
    for part, count in (("train", 200), ("test", 100)):
        content = {"data": images(count, 3072), "fine_labels": [i % 100 for i in range(count)]}
        (folder / part).write_bytes(pickle.dumps(content))
        patch.setattr(kind, f"{part}_list", [[part, md5(folder / part)]])
    names = {"fine_label_names": [f"kind {number}" for number in range(100)]}
    (folder / "meta").write_bytes(pickle.dumps(names))
    patch.setattr(kind, "meta", {**kind.meta, "md5": md5(folder / "meta")})


def usps(root, _patch):
    for name, count in (("usps.bz2", 20), ("usps.t.bz2", 10)):
        rows = [
            f"{index % 10 + 1} " + " ".join(f"{n}:{v:.2f}" for n, v in enumerate(pixels, 1))
            for index, pixels in enumerate(NOISE.uniform(-1, 1, (count, 256)))
        ]
        (root / name).write_bytes(bz2.compress("\n".join(rows).encode()))


def semeion(root, patch):
    rows = np.zeros((50, 266))
    rows[:, :256] = NOISE.integers(0, 2, (50, 256))
    rows[np.arange(50), 256 + np.arange(50) % 10] = 1
    np.savetxt(root / "semeion.data", rows)
    patch.setattr(torch_class("SEMEION"), "md5_checksum", md5(root / "semeion.data"))


def svhn(root, patch):
    known = {}
    for part, count in (("train", 20), ("test", 10)):
        path = root / f"{part}_32x32.mat"
        labels = np.arange(count)[:, None] % 10 + 1  # there 10 stands for the digit 0
        savemat(path, {"X": images(32, 32, 3, count), "y": labels})
        known[part] = ["", path.name, md5(path)]
    patch.setattr(torch_class("SVHN"), "split_list", known)


def stl10(root, patch):
    folder, kind = root / "stl10_binary", torch_class("STL10")
    folder.mkdir()
    for part, count in (("train", 20), ("test", 10)):
        images(count, 3, 96, 96).tofile(folder / f"{part}_X.bin")
        (np.arange(count) % 10 + 1).astype(np.uint8).tofile(folder / f"{part}_y.bin")
    names = [f"{part}_{what}.bin" for part in ("train", "test") for what in "Xy"]
    patch.setattr(kind, "train_list", [[name, md5(folder / name)] for name in names[:2]])
    patch.setattr(kind, "test_list", [[name, md5(folder / name)] for name in names[2:]])
    lines(folder / "class_names.txt", *(f"kind {number}" for number in range(10)))


def fer2013(root, patch):
    path = root / "fer2013" / "fer2013.csv"
    path.parent.mkdir()
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["emotion", "pixels", "Usage"])
        for index in range(21):
            usage = "Training" if index < 14 else "PublicTest"
            table.writerow([index % 7, " ".join(map(str, images(48 * 48))), usage])
    resources = torch_class("FER2013")._RESOURCES
    patch.setitem(resources, "fer", (path.name, md5(path)))


def gtsrb(root, _patch):
    for label in range(3):
        for index in range(4):
            photo(root / f"gtsrb/GTSRB/Training/{label:05d}/{index}.ppm")
    rows = [f"{index}.ppm;{index % 3}" for index in range(3)]
    for index in range(3):
        photo(root / f"gtsrb/GTSRB/Final_Test/Images/{index}.ppm")
    lines(root / "gtsrb/GT-final_test.csv", "Filename;ClassId", *rows)


def dtd(root, _patch):
    base = root / "dtd" / "dtd"
    for part in ("train", "val", "test"):
        names = [f"{kind}/{kind}_{part}.jpg" for kind in ("banded", "woven")]
        for name in names:
            photo(base / "images" / name)
        lines(base / "labels" / f"{part}1.txt", *names)


def flowers102(root, patch):
    folder, kind = root / "flowers-102", torch_class("Flowers102")
    for number in range(1, 13):
        photo(folder / "jpg" / f"image_{number:05d}.jpg")
    savemat(folder / "imagelabels.mat", {"labels": np.arange(12) % 3 + 1})
    parts = {"trnid": [1, 2, 3], "valid": [4, 5, 6], "tstid": [7, 8, 9, 10, 11, 12]}
    savemat(folder / "setid.mat", parts)
    for what, name in (("label", "imagelabels.mat"), ("setid", "setid.mat")):
        patch.setitem(kind._file_dict, what, (name, md5(folder / name)))


def pets(root, _patch):
    folder = root / "oxford-iiit-pet"
    for part, count in (("trainval", 6), ("test", 3)):
        names = [f"{('Abyssinian', 'beagle', 'pug')[n % 3]}_{part}{n}" for n in range(count)]
        for name in names:
            photo(folder / "images" / f"{name}.jpg")
        rows = [f"{name} {n % 3 + 1} 1 1" for n, name in enumerate(names)]
        lines(folder / "annotations" / f"{part}.txt", *rows)


def food101(root, _patch):
    folder = root / "food-101"
    for part, count in (("train", 3), ("test", 1)):
        table = {dish: [f"{dish}/{part}{n}" for n in range(count)] for dish in ("pho", "ramen")}
        for name in (name for names in table.values() for name in names):
            photo(folder / "images" / f"{name}.jpg")
        lines(folder / "meta" / f"{part}.json", json.dumps(table))


def stanford_cars(root, _patch):
    folder = root / "stanford_cars"
    kinds = np.dtype([("fname", object), ("class", np.uint8)])
    tables = {"train": "devkit/cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}
    (folder / "devkit").mkdir(parents=True)
    for part, table in tables.items():
        for number in range(4):
            photo(folder / f"cars_{part}" / f"{number}.jpg")
        rows = np.array([(f"{n}.jpg", n % 2 + 1) for n in range(4)], dtype=kinds)
        savemat(folder / table, {"annotations": rows})
    savemat(folder / "devkit/cars_meta.mat", {"class_names": np.array(["Fiat", "Lada"], object)})


def fgvc_aircraft(root, _patch):
    folder = root / "fgvc-aircraft-2013b" / "data"
    lines(folder / "variants.txt", "707-320", "727-200")
    lines(folder / "manufacturers.txt", "Airbus", "Boeing")
    for part in ("trainval", "test"):
        for number in range(4):
            photo(folder / "images" / f"{part}{number}.jpg")
        kinds = ("707-320", "727-200")
        rows = [f"{part}{n} {kinds[n % 2]}" for n in range(4)]
        lines(folder / f"images_variant_{part}.txt", *rows)
        rows = [f"{part}{n} {('Airbus', 'Boeing')[n // 2]}" for n in range(4)]
        lines(folder / f"images_manufacturer_{part}.txt", *rows)


def in_classes(root, names, count, extension="jpg", stem="{}"):
    """Write `count` images for each class."""
    for name in names:
        for number in range(1, count + 1):
            photo(root / name / f"{stem.format(number)}.{extension}")


def eurosat(root, _patch):
    in_classes(root / "eurosat" / "2750", ("Forest", "River"), 5)


def country211(root, _patch):
    for part in ("train", "valid", "test"):
        in_classes(root / "country211" / part, ("AD", "ZW"), 2)


def rendered_sst2(root, _patch):
    for part in ("train", "valid", "test"):
        in_classes(root / "rendered-sst2" / part, ("negative", "positive"), 2, "png")


def caltech101(root, _patch):
    folder = root / "caltech101" / "101_ObjectCategories"
    in_classes(folder, ("BACKGROUND_Google", "ant", "lotus"), 5, stem="image_{:04d}")


def caltech256(root, _patch):
    folder = root / "caltech256" / "256_ObjectCategories"
    for number, name in enumerate(("001.ak47", "002.flag"), 1):
        in_classes(folder, (name,), 5, stem=f"{number:03d}_{{:04d}}")


def sun397(root, _patch):
    folder = root / "SUN397"
    in_classes(folder, ("a/abbey", "a/apse/indoor"), 5, stem="sun_{}")
    lines(folder / "ClassName.txt", "/a/abbey", "/a/apse/indoor")


def imagenette(root, _patch):
    for part in ("train", "val"):
        folder = root / "imagenette2-320" / part
        in_classes(folder, ("n01440764", "n03394916"), 3, "JPEG")
    for file in (root / "imagenette2-320").rglob("*.JPEG"):
        file.rename(file.with_suffix(".jpeg"))


def places365(root, patch):
    folder, kind = root / "places365", torch_class("Places365")
    lines(folder / "categories_places365.txt", "/a/airfield 0", "/b/barn 1")
    patch.setattr(kind, "_CATEGORIES_META", marked(folder / "categories_places365.txt"))
    lists = dict(kind._FILE_LIST_META)
    for split, name, base in (
        ("train-standard", "places365_train_standard.txt", "data_256_standard"),
        ("val", "places365_val.txt", "val_256"),
    ):
        names = [f"/{place}/{split}.jpg" for place in ("airfield", "barn")]
        for place in names:
            photo(folder / f"{base}{place}")
        lines(folder / name, *(f"{place} {label}" for label, place in enumerate(names)))
        lists[split] = marked(folder / name)
    patch.setattr(kind, "_FILE_LIST_META", lists)


def imagenet(root, _patch):
    folder = root / "imagenet"
    for part in ("train", "val"):
        in_classes(folder / part, ("n02012849", "n03126707", "n04467665"), 2, "JPEG")
    names = {
        "n02012849": ("crane",),
        "n03126707": ("crane", "lifting machine"),
        "n04467665": ("trailer truck", "lorry"),
    }
    torch.save((names, []), folder / "meta.bin")


def inaturalist(root, _patch):
    ranks = "Animalia_Chordata_Aves_Order_Family_Genus"
    for part in ("2021_train_mini", "2021_valid"):
        kinds = (f"00000_{ranks}_corax", f"00001_{ranks}_pica")
        in_classes(root / "inaturalist" / part, kinds, 2)


def marked(path):
    """A file's name and checksum, as torchvision's tables have them."""
    return path.name, md5(path)


def torch_class(name):
    """A class of torchvision, which takes seconds to import."""
    from torchvision import datasets

    return getattr(datasets, name)
