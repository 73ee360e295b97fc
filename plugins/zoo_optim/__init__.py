"""First-party plugin `optim`; its specs are in `plugin`."""
