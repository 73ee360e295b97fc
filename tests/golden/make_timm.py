"""Makes a checkpoint as timm's train.py does: python make_timm.py FILE."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from net import Net
from timm.utils import CheckpointSaver, ModelEmaV3

if __name__ == "__main__":
    net = Net()
    average = ModelEmaV3(Net(shift=1.0))
    options = argparse.Namespace(model="net", lr=0.1, input_size=(3, 8, 8), output=Path("out"))
    with tempfile.TemporaryDirectory() as folder:
        saver = CheckpointSaver(
            model=net,
            optimizer=torch.optim.SGD(net.parameters(), lr=0.1),
            args=options,
            model_ema=average,
            checkpoint_dir=folder,
            recovery_dir=folder,
        )
        saver.save_checkpoint(epoch=3, metric=71.5)
        shutil.copy(Path(folder, "last.pth.tar"), sys.argv[1])
