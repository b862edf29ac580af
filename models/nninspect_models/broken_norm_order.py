"""A convolutional network that normalises after the activation, not before it.

One mistake, marked below; compare `cnn_hybrid.py`.
"""

from torch import Tensor, nn


def conv_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Convolution, ReLU, batch norm, pooling: (B, C_in, H, W) to (B, C_out, H / 2, W / 2)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),  # (B, C_out, H, W)
        nn.ReLU(),
        nn.BatchNorm2d(out_channels),  # mistake: the norm belongs before the ReLU
        nn.MaxPool2d(2),  # (B, C_out, H / 2, W / 2)
    )


class HybridCNN(nn.Module):
    """Three blocks that halve the map and double the channels, then a linear classifier."""

    def __init__(self, in_channels: int = 3, width: int = 16, classes: int = 10) -> None:
        super().__init__()
        self.block1 = conv_block(in_channels, width)
        self.block2 = conv_block(width, 2 * width)
        self.block3 = conv_block(2 * width, 4 * width)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(4 * width * 4 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, 32, 32)
        x = self.block1(x)  # (B, width, 16, 16)
        x = self.block2(x)  # (B, 2 * width, 8, 8)
        x = self.block3(x)  # (B, 4 * width, 4, 4)
        x = self.flatten(x)  # (B, 4 * width * 16)
        logits: Tensor = self.classifier(x)  # (B, classes)
        return logits
