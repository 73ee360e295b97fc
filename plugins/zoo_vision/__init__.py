"""First-party plugin `vision`; its specs are in `plugin`."""
