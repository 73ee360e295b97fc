"""transformers' Trainer with a model of one's own: its forward returns the loss in a dict."""

import torch
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments

from ._loader import train_set
from ._net import BATCH_SIZE, Clock, adam, mlp


class Classifier(nn.Module):
    """The net, called as the Trainer calls models."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp()

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the loss and the logits (B, 10)."""
        logits = self.net(images)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Ends(TrainerCallback):
    """Tells the clock of each epoch's end."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_epoch_end(self, *_: object, **__: object) -> None:
        """Tell it."""
        self.clock.epoch_ended()


def collate(items: list[tuple[torch.Tensor, int]]) -> dict[str, torch.Tensor]:
    """Stack items into a batch with the names of the model's arguments."""
    images, labels = zip(*items, strict=True)
    return {"images": torch.stack(images), "labels": torch.tensor(labels)}


def mnist(root: str, epochs: int, workers: int, limit: int | None = None) -> dict[str, float]:
    """Train on MNIST."""
    dataset = train_set(root, limit)
    model, clock = Classifier(), Clock()
    arguments = TrainingArguments(
        output_dir="trainer",
        use_cpu=True,
        per_device_train_batch_size=BATCH_SIZE,
        num_train_epochs=epochs,
        dataloader_num_workers=workers,
        dataloader_persistent_workers=workers > 0,
        lr_scheduler_type="constant",
        # Only the training is timed, and the other sides clip nothing.
        save_strategy="no",
        max_grad_norm=0.0,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=collate,
        train_dataset=dataset,
        optimizers=(adam(model), None),
        callbacks=[Ends(clock)],
    )
    trainer.train()
    return clock.figures(len(dataset))
