"""Specs of the plugin `optim`: what torch offers to train with, by address."""

from collections.abc import Sequence

from zoo_registry import LossSpec, OptimizerSpec, SchedulerSpec, hookimpl

OPTIMIZERS = (
    OptimizerSpec(
        name="adadelta",
        build="torch.optim.adadelta:Adadelta",
        summary="Adadelta: rates from running averages, nearly free of lr (Zeiler 2012)",
    ),
    OptimizerSpec(
        name="adafactor",
        build="torch.optim._adafactor:Adafactor",
        summary="Adafactor: factored second moments, little memory (Shazeer & Stern 2018)",
    ),
    OptimizerSpec(
        name="adagrad",
        build="torch.optim.adagrad:Adagrad",
        summary="Adagrad: rates by accumulated squared gradients (Duchi et al. 2011)",
    ),
    OptimizerSpec(
        name="adam",
        build="torch.optim.adam:Adam",
        summary="Adam: first and second moment estimates (Kingma & Ba 2015)",
    ),
    OptimizerSpec(
        name="adamax",
        build="torch.optim.adamax:Adamax",
        summary="Adamax: Adam with the infinity norm (Kingma & Ba 2015)",
    ),
    OptimizerSpec(
        name="adamw",
        build="torch.optim.adamw:AdamW",
        summary="AdamW: Adam with decoupled weight decay (Loshchilov & Hutter 2019)",
    ),
    OptimizerSpec(
        name="asgd",
        build="torch.optim.asgd:ASGD",
        summary="ASGD: averaged stochastic gradient descent (Polyak & Juditsky 1992)",
    ),
    OptimizerSpec(
        name="muon",
        build="zoo_optim.muon:Muon",
        summary="Muon on hidden matrices and kernels, AdamW on the rest (Jordan et al. 2024)",
    ),
    OptimizerSpec(
        name="nadam",
        build="torch.optim.nadam:NAdam",
        summary="NAdam: Adam with Nesterov momentum (Dozat 2016)",
    ),
    OptimizerSpec(
        name="radam",
        build="torch.optim.radam:RAdam",
        summary="RAdam: Adam with a rectified variance (Liu et al. 2020)",
    ),
    OptimizerSpec(
        name="rmsprop",
        build="torch.optim.rmsprop:RMSprop",
        summary="RMSprop: rates by a running mean of squared gradients (Hinton 2012)",
    ),
    OptimizerSpec(
        name="rprop",
        build="torch.optim.rprop:Rprop",
        summary="Rprop: steps by the sign of the gradient, for full batches (Riedmiller 1993)",
    ),
    OptimizerSpec(
        name="sgd",
        build="torch.optim.sgd:SGD",
        summary="SGD: stochastic gradient descent, momentum and Nesterov as options",
    ),
)


@hookimpl
def zoo_optimizers() -> Sequence[OptimizerSpec]:
    """Return every optimizer of `torch.optim` that trains dense models from gradients alone.

    Left out: LBFGS, which must call the model again within a step, and SparseAdam, which takes
    sparse gradients only. The addresses name the modules that define the classes, private ones
    too, so that a signature is read from its source file without importing torch.
    """
    return OPTIMIZERS


@hookimpl
def zoo_losses() -> Sequence[LossSpec]:
    """Return the losses."""
    return [
        LossSpec(
            name="bce-with-logits",
            build="zoo_optim.losses:bce_with_logits",
            task="multilabel",
            summary="binary cross-entropy of each label, on logits",
        ),
        LossSpec(
            name="cross-entropy",
            build="zoo_optim.losses:cross_entropy",
            task="classification",
            summary="cross-entropy of the softmax, on logits",
        ),
        LossSpec(
            name="huber",
            build="zoo_optim.losses:huber",
            task="regression",
            summary="squared below delta, absolute above: robust to outliers",
        ),
        LossSpec(
            name="l1",
            build="zoo_optim.losses:l1",
            task="regression",
            summary="mean absolute error",
        ),
        LossSpec(
            name="mse",
            build="zoo_optim.losses:mse",
            task="regression",
            summary="mean squared error",
        ),
    ]


@hookimpl
def zoo_schedulers() -> Sequence[SchedulerSpec]:
    """Return the learning-rate schedulers."""
    return [
        SchedulerSpec(
            name="constant",
            build="zoo_optim.schedulers:constant",
            summary="the rate given, after the warm-up",
        ),
        SchedulerSpec(
            name="cosine",
            build="zoo_optim.schedulers:cosine",
            summary="half a cosine from the rate given to the end of training",
        ),
        SchedulerSpec(
            name="exponential",
            build="zoo_optim.schedulers:exponential",
            summary="the same factor at every step, down to a share of the rate given",
        ),
        SchedulerSpec(
            name="one-cycle",
            build="zoo_optim.schedulers:one_cycle",
            summary="up to the rate given, then down to almost nothing (Smith & Topin 2018)",
        ),
        SchedulerSpec(
            name="plateau",
            build="zoo_optim.schedulers:plateau",
            summary="lower whenever the monitored value stops improving",
        ),
        SchedulerSpec(
            name="step",
            build="zoo_optim.schedulers:step",
            summary="lower by a factor at regular intervals",
        ),
        SchedulerSpec(
            name="triangle",
            build="zoo_optim.schedulers:triangle",
            summary="a straight line up to the rate given, and one down (Jordan 2024)",
        ),
    ]
