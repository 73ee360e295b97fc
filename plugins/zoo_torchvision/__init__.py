"""First-party plugin `torchvision`; its specs are in `plugin`."""
