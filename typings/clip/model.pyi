from torch import Tensor, nn

class Transformer(nn.Module):
    resblocks: nn.Sequential

class VisionTransformer(nn.Module):
    def __init__(
        self, input_resolution: int, patch_size: int, width: int, layers: int, heads: int, output_dim: int
    ) -> None: ...
    input_resolution: int
    conv1: nn.Conv2d
    proj: nn.Parameter | None

class AttentionPool2d(nn.Module):
    num_heads: int

class ModifiedResNet(nn.Module):
    def __init__(
        self,
        layers: tuple[int, int, int, int],
        output_dim: int,
        heads: int,
        input_resolution: int = 224,
        width: int = 64,
    ) -> None: ...
    input_resolution: int
    attnpool: AttentionPool2d

class CLIP(nn.Module):
    visual: VisionTransformer | ModifiedResNet
    logit_scale: nn.Parameter
    transformer: Transformer
    def __init__(
        self,
        embed_dim: int,
        image_resolution: int,
        vision_layers: int | tuple[int, int, int, int],
        vision_width: int,
        vision_patch_size: int | None,
        context_length: int,
        vocab_size: int,
        transformer_width: int,
        transformer_heads: int,
        transformer_layers: int,
    ) -> None: ...
    def encode_image(self, image: Tensor) -> Tensor: ...
    def encode_text(self, text: Tensor) -> Tensor: ...
    def float(self) -> CLIP: ...
    def eval(self) -> CLIP: ...
    def train(self, mode: bool = True) -> CLIP: ...

def convert_weights(model: nn.Module) -> None: ...
def build_model(state_dict: dict[str, Tensor]) -> CLIP: ...
