"""Write resources/open_clip_sizes.json: the number of weights, in millions, of each published architecture.

open_clip does not know file sizes, and asking the hub for two hundred of them takes too long each time the list is
shown. Run this again when open_clip has new architectures:

    python packaging/open_clip_sizes.py
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import torch
from open_clip import create_model, list_pretrained

PLACE = Path(__file__).parents[1] / "resources" / "open_clip_sizes.json"


def main() -> None:
    """Count the weights of models on the meta device, which take no memory."""
    logging.disable()
    sizes = {}
    for architecture in dict.fromkeys(architecture for architecture, _ in list_pretrained()):
        try:
            with torch.device("meta"):
                model = create_model(architecture, device="meta", load_weights=False, pretrained_text=False)
        except RuntimeError as error:
            # Its text tower comes from the package transformers, and would be downloaded.
            print(f"{architecture} is left out: {error}")
            continue
        sizes[architecture] = round(sum(weights.numel() for weights in model.parameters()) / 1e6, 1)
    PLACE.write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
