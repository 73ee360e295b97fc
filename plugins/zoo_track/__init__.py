"""First-party plugin `track`; its specs are in `plugin`."""
