"""First-party plugin `timm`; its specs are in `plugin`."""
