"""Proofs that users can run: the loop's promises, on their own model and machine."""

from ._proof import Proof
from ._resume import prove_resume
from ._training import prove_training

__all__ = ["Proof", "prove_resume", "prove_training"]
