import numpy as np
import torch
from PIL import Image

from clipdesk.imagesets.pixels import square


def test_the_middle_square_is_taken() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    pixels = square(Image.fromarray(wide), 10)
    assert pixels.shape == (3, 10, 10)
    assert torch.equal(pixels, torch.ones(3, 10, 10))
