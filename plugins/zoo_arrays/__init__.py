"""First-party plugin `arrays`; its specs are in `plugin`."""
