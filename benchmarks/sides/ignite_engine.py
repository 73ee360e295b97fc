"""Ignite, after its quickstart: a supervised trainer that logs its loss now and then."""

from ignite.engine import Engine, Events, create_supervised_trainer
from torch import nn

from ._loader import epoch_size, train_loader
from ._net import Clock, adam, mlp

LOG_INTERVAL = 100
"""Iterations from one printed loss to the next, as in the quickstart."""


def mnist(root: str, epochs: int, workers: int, limit: int | None = None) -> dict[str, float]:
    """Train on MNIST."""
    loader = train_loader(root, workers, limit)
    net, clock = mlp(), Clock()
    trainer = create_supervised_trainer(net, adam(net), nn.CrossEntropyLoss(), device="cpu")

    @trainer.on(Events.ITERATION_COMPLETED(every=LOG_INTERVAL))
    def log_training_loss(engine: Engine) -> None:
        state = engine.state
        print(f"Epoch[{state.epoch}], Iter[{state.iteration}] Loss: {state.output:.2f}")

    trainer.add_event_handler(Events.EPOCH_COMPLETED, clock.epoch_ended)
    trainer.run(loader, max_epochs=epochs)
    return clock.figures(epoch_size(loader))
