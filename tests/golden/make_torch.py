"""Makes files as plain torch leaves them: python make_torch.py FOLDER [KIND…]."""

import io
import os
import sys
import warnings
import zipfile
from pathlib import Path

import torch
from net import Net
from torch.nn.parallel import DataParallel, DistributedDataParallel


def distributed(module):
    """Wrap a module as one of one rank."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511"}
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    return DistributedDataParallel(module)


def within():
    """A net of which one part is wrapped."""
    net = Net()
    net.layers = DataParallel(net.layers)
    return net


def averaged():
    """The average of a net and the same, moved by 2: it is moved by 1."""
    average = torch.optim.swa_utils.AveragedModel(Net())
    average.update_parameters(Net())
    average.update_parameters(Net(shift=2.0))
    return average


def script(file):
    """A TorchScript program, less the names of the source files on the machine that made it."""
    warnings.simplefilter("ignore")
    whole = io.BytesIO()
    torch.jit.save(torch.jit.trace(Net(), torch.ones(1, 4)), whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if not name.endswith(".debug_pkl"):
                new.writestr(zipfile.ZipInfo(name), old.read(name))


def legacy(file):
    """The format of torch before 1.6."""
    torch.save(Net().state_dict(), file, _use_new_zipfile_serialization=False)


def no_checksums(file):
    """As whoever is in a hurry saves."""
    torch.serialization.set_crc32_options(False)
    torch.save(Net().state_dict(), file)
    torch.serialization.set_crc32_options(True)


KINDS = {
    "zip": lambda file: torch.save(Net().state_dict(), file),
    "legacy": legacy,
    "half": lambda file: torch.save(Net().half().state_dict(), file),
    "parameters": lambda file: torch.save(dict(Net().named_parameters()), file),
    "data-parallel": lambda file: torch.save(DataParallel(Net()).state_dict(), file),
    "distributed": lambda file: torch.save(distributed(Net()).state_dict(), file),
    "compiled": lambda file: torch.save(torch.compile(Net()).state_dict(), file),
    "compiled-parallel": lambda file: torch.save(
        torch.compile(DataParallel(Net())).state_dict(), file
    ),
    "within": lambda file: torch.save(within().state_dict(), file),
    "averaged": lambda file: torch.save(averaged().state_dict(), file),
    "no-checksums": no_checksums,
    "module": lambda file: torch.save(Net(), file),
    "script": script,
}

if __name__ == "__main__":
    folder, *kinds = sys.argv[1:]
    for kind in kinds or KINDS:
        KINDS[kind](Path(folder, f"{kind}.pth"))
