"""Makes a checkpoint as Lightning's Trainer leaves it: python make_lightning.py FILE."""

import sys
import warnings

import lightning
import torch
from net import Net
from torch.utils.data import DataLoader, TensorDataset


class Module(lightning.LightningModule):
    """A net as an attribute beside a loss with a tensor of its own."""

    def __init__(self, lr=0.0):
        super().__init__()
        self.save_hyperparameters()
        self.net = Net()
        self.loss = torch.nn.CrossEntropyLoss(weight=torch.ones(3))

    def training_step(self, batch, _index):
        samples, labels = batch
        return self.loss(self.net(samples), labels)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    data = TensorDataset(torch.ones(4, 4), torch.zeros(4, dtype=torch.int64))
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), DataLoader(data, batch_size=4))
    trainer.save_checkpoint(sys.argv[1])
