"""What is measured: one module a way of training, each imported by nobody but its own process."""
