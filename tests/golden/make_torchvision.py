"""Makes a checkpoint as torchvision's references/classification/train.py does.

python make_torchvision.py FILE

The part of that script that stores, with the average of its own kind (references' utils.py).
"""

import argparse
import sys

import torch
from net import Net

if __name__ == "__main__":
    args = argparse.Namespace(model="net", lr=0.1, model_ema=True, amp=True, device="cpu")
    model_without_ddp = Net()
    optimizer = torch.optim.SGD(model_without_ddp.parameters(), lr=0.1, momentum=0.9)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)
    model_ema = torch.optim.swa_utils.AveragedModel(Net(shift=1.0))
    scaler = torch.amp.GradScaler("cpu")
    checkpoint = {
        "model": model_without_ddp.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": lr_scheduler.state_dict(),
        "epoch": 3,
        "args": args,
    }
    checkpoint["model_ema"] = model_ema.state_dict()
    checkpoint["scaler"] = scaler.state_dict()
    torch.save(checkpoint, sys.argv[1])
