"""A residual network of 14 layers for 32x32 images: every block computes `out = F(x) + x`.

References: He, Zhang, Ren and Sun, "Deep residual learning for image recognition",
arXiv:1512.03385, section 4.2, with its projection shortcuts (option B).
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def projection(in_channels: int, channels: int, stride: int) -> nn.Module:
    """The way around a block: nothing where the shapes agree, else a 1x1 convolution."""
    if stride == 1 and in_channels == channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),  # (B, C, H / stride, W / stride)
        nn.BatchNorm2d(channels),
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, F(x), and a shortcut around them."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = projection(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:  # (B, C_in, H, W)
        out = self.residual(x) + self.shortcut(x)  # (B, C, H / stride, W / stride)
        return torch.relu(out)


def stage(in_channels: int, channels: int, stride: int, blocks: int) -> nn.Sequential:
    """Blocks of one width; the first one changes the shape."""
    return nn.Sequential(
        BasicBlock(in_channels, channels, stride),
        *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)),
    )


class ResNetSmall(nn.Module):
    """A stem, three stages of `blocks` residual blocks, and a linear classifier."""

    def __init__(
        self, in_channels: int = 3, width: int = 16, classes: int = 10, blocks: int = 2
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict[str, nn.Module](
                conv=nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
                norm=nn.BatchNorm2d(width),
                relu=nn.ReLU(),
            )
        )
        self.stage1 = stage(width, width, 1, blocks)
        self.stage2 = stage(width, 2 * width, 2, blocks)
        self.stage3 = stage(2 * width, 4 * width, 2, blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, 32, 32)
        x = self.stem(x)  # (B, width, 32, 32)
        x = self.stage1(x)  # (B, width, 32, 32)
        x = self.stage2(x)  # (B, 2 * width, 16, 16)
        x = self.stage3(x)  # (B, 4 * width, 8, 8)
        x = self.flatten(self.pool(x))  # (B, 4 * width)
        logits: Tensor = self.classifier(x)  # (B, classes)
        return logits
