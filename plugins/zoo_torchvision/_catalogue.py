"""The specs of torchvision's datasets: where their files are, and where they come from."""

from functools import partial

from zoo_registry import DatasetSpec

_MNIST_LIKE = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
EMNIST_KINDS = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
"""The ways in which EMNIST's characters are put into classes."""


def emnist_files(kind: str) -> tuple[str, ...]:
    """Return the files of one kind of EMNIST, below a root."""
    stems = [f"emnist-{kind}-{part}" for part in ("train", "test")]
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    return tuple(f"EMNIST/raw/{stem}-{what}" for stem in stems for what in kinds)


def _dataset(
    name: str, summary: str, files: tuple[str, ...], *urls: str, build: str
) -> DatasetSpec:
    """Return the spec of a set that `build`, an address within this package, reads."""
    return DatasetSpec(
        name=name,
        build=f"zoo_torchvision.{build}",
        arguments={"source": name},
        files=files,
        urls=urls,
        summary=summary,
    )


_arrays = partial(_dataset, build="arrays:arrays")
"""Of a set that is read into memory."""
_photos = partial(_dataset, build="photos:photos")
"""Of a set of image files."""

DATASETS = (
    _arrays(
        "cifar100",
        "60,000 colour images 32x32 of 100 kinds of things",
        tuple(f"cifar-100-python/{name}" for name in ("train", "test", "meta")),
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    ),
    _arrays(
        "emnist",
        "grey images 28x28 of handwritten letters and digits: 131,600 in 47 classes",
        emnist_files("balanced"),
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        build="arrays:emnist",
    ),
    _arrays(
        "fer2013",
        "35,887 grey images 48x48 of faces with 7 expressions",
        ("fer2013/fer2013.csv",),
    ),
    _arrays(
        "kmnist",
        "70,000 grey images 28x28 of 10 characters of cursive Japanese",
        tuple(f"KMNIST/raw/{name}" for name in _MNIST_LIKE),
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/train-images-idx3-ubyte.gz",
    ),
    _arrays(
        "pcam",
        "294,912 colour images 96x96 of tissue, with a tumour in the middle or without",
        tuple(
            f"pcam/camelyonpatch_level_2_split_{part}_{what}.h5"
            for part in ("train", "test")
            for what in "xy"
        ),
        "https://drive.google.com/uc?id=1Ka0XfEMiwgCYPdTI-vv6eUElOBnKFKQ2",
        build="arrays:pcam",
    ),
    _arrays(
        "qmnist",
        "120,000 grey images 28x28 of digits: MNIST with all of its test images",
        tuple(
            f"QMNIST/raw/qmnist-{part}-{what}"
            for part in ("train", "test")
            for what in ("images-idx3-ubyte", "labels-idx2-int")
        ),
        "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
        "qmnist-train-images-idx3-ubyte.gz",
    ),
    _arrays(
        "semeion",
        "1,593 grey images 16x16 of handwritten digits, some held out",
        ("semeion.data",),
        "http://archive.ics.uci.edu/ml/machine-learning-databases/semeion/semeion.data",
        build="arrays:held_out",
    ),
    _arrays(
        "stl10",
        "13,000 colour images 96x96 of 10 kinds of animals and vehicles",
        tuple(
            f"stl10_binary/{name}"
            for name in ("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin")
        ),
        "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    ),
    _arrays(
        "svhn",
        "99,289 colour images 32x32 of digits in house numbers",
        ("train_32x32.mat", "test_32x32.mat"),
        "http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
    ),
    _arrays(
        "usps",
        "9,298 grey images 16x16 of digits in postal codes",
        ("usps.bz2", "usps.t.bz2"),
        "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.bz2",
    ),
    _photos(
        "caltech101",
        "8,677 photographs of 101 kinds of things, some held out",
        ("caltech101/101_ObjectCategories",),
        "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
        build="photos:held_out",
    ),
    _photos(
        "caltech256",
        "30,607 photographs of 257 kinds of things, some held out",
        ("caltech256/256_ObjectCategories",),
        "https://data.caltech.edu/records/nyy15-4j048/files/256_ObjectCategories.tar",
        build="photos:held_out",
    ),
    _photos(
        "country211",
        "63,300 photographs from 211 countries",
        tuple(f"country211/{part}" for part in ("train", "valid", "test")),
        "https://openaipublic.azureedge.net/clip/data/country211.tgz",
    ),
    _photos(
        "dtd",
        "5,640 photographs of 47 textures",
        ("dtd/dtd/images", "dtd/dtd/labels"),
        "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
        build="variants:dtd",
    ),
    _photos(
        "eurosat",
        "27,000 satellite images 64x64 of 10 kinds of land, some held out",
        ("eurosat/2750",),
        "https://huggingface.co/datasets/torchgeo/eurosat/resolve/"
        "c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
        build="photos:held_out",
    ),
    _photos(
        "fgvc-aircraft",
        "10,000 photographs of 100 variants of aircraft",
        ("fgvc-aircraft-2013b/data",),
        "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz",
        build="variants:fgvc_aircraft",
    ),
    _photos(
        "flowers102",
        "8,189 photographs of 102 kinds of flowers",
        ("flowers-102/jpg", "flowers-102/imagelabels.mat", "flowers-102/setid.mat"),
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/102flowers.tgz",
    ),
    _photos(
        "food101",
        "101,000 photographs of 101 dishes",
        ("food-101/images", "food-101/meta"),
        "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",
    ),
    _photos(
        "gtsrb",
        "39,270 photographs of 43 German traffic signs",
        ("gtsrb/GTSRB/Training", "gtsrb/GTSRB/Final_Test/Images", "gtsrb/GT-final_test.csv"),
        "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
        "GTSRB-Training_fixed.zip",
    ),
    _photos(
        "imagenet",
        "1.3 million photographs of 1,000 kinds of things (ILSVRC 2012)",
        ("imagenet/train", "imagenet/val", "imagenet/meta.bin"),
    ),
    _photos(
        "imagenette",
        "13,394 photographs of 10 easy classes of ImageNet",
        ("imagenette2-320/train", "imagenette2-320/val"),
        "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz",
        build="variants:imagenette",
    ),
    _photos(
        "inaturalist",
        "photographs of 10,000 species: 500,000 of iNaturalist 2021 mini, 100,000 to test",
        ("inaturalist/2021_train_mini", "inaturalist/2021_valid"),
        "https://ml-inat-competition-datasets.s3.amazonaws.com/2021/train_mini.tar.gz",
        build="variants:inaturalist",
    ),
    _photos(
        "oxford-iiit-pet",
        "7,349 photographs of 37 breeds of cats and dogs",
        ("oxford-iiit-pet/images", "oxford-iiit-pet/annotations"),
        "https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz",
    ),
    _photos(
        "places365",
        "1.8 million photographs 256x256 of 365 kinds of places",
        tuple(
            f"places365/{name}"
            for name in (
                "data_256_standard",
                "val_256",
                "categories_places365.txt",
                "places365_train_standard.txt",
                "places365_val.txt",
            )
        ),
        "http://data.csail.mit.edu/places/places365/filelist_places365-standard.tar",
    ),
    _photos(
        "rendered-sst2",
        "9,613 pictures 448x448 of sentences that praise or pan films",
        tuple(f"rendered-sst2/{part}" for part in ("train", "valid", "test")),
        "https://openaipublic.azureedge.net/clip/data/rendered-sst2.tgz",
    ),
    _photos(
        "stanford-cars",
        "16,185 photographs of 196 kinds of cars",
        (
            "stanford_cars/devkit",
            "stanford_cars/cars_train",
            "stanford_cars/cars_test",
            "stanford_cars/cars_test_annos_withlabels.mat",
        ),
    ),
    _photos(
        "sun397",
        "108,754 photographs of 397 kinds of scenes, some held out",
        ("SUN397",),
        "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz",
        build="photos:held_out",
    ),
)
"""In alphabetical order of those in memory, then of those in files."""

FILES = {spec.name: spec.files for spec in DATASETS}
URLS = {spec.name: spec.urls for spec in DATASETS}
