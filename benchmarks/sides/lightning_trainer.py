"""Lightning, after its introduction: a LightningModule, a Trainer, its own progress and logger."""

import lightning
import torch
from torch import nn

from ._loader import epoch_size, train_loader
from ._net import Clock, adam, mlp


class Classifier(lightning.LightningModule):
    """The net with its loss and its optimizer."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp()

    def training_step(self, batch: list[torch.Tensor], _number: int) -> torch.Tensor:
        """Return the loss of a batch, and log it."""
        inputs, targets = batch
        loss = nn.functional.cross_entropy(self.net(inputs), targets)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return adam(self)


class Ends(lightning.Callback):
    """Tells the clock of each epoch's end."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_epoch_end(self, *_: object) -> None:
        """Tell it."""
        self.clock.epoch_ended()


def mnist(root: str, epochs: int, workers: int, limit: int | None = None) -> dict[str, float]:
    """Train on MNIST."""
    loader = train_loader(root, workers, limit)
    clock = Clock()
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        callbacks=[Ends(clock)],
        # Only the training is timed, here as on the other sides.
        enable_checkpointing=False,
    )
    trainer.fit(Classifier(), loader)
    return clock.figures(epoch_size(loader))
