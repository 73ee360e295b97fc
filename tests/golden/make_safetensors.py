"""Makes a file as safetensors leaves it: python make_safetensors.py FILE."""

import sys

from net import Net
from safetensors.torch import save_file

if __name__ == "__main__":
    save_file(Net().state_dict(), sys.argv[1], metadata={"format": "pt"})
