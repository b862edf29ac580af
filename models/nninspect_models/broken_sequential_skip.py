"""A residual network whose blocks are Sequential: there is no way around the convolutions.

One mistake, marked below; compare `resnet_small.py`.
"""

from collections import OrderedDict

from torch import Tensor, nn


def projection(in_channels: int, channels: int, stride: int) -> nn.Module:
    """The way around a block: nothing where the shapes agree, else a 1x1 convolution."""
    if stride == 1 and in_channels == channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),  # (B, C, H / stride, W / stride)
        nn.BatchNorm2d(channels),
    )


class BasicBlock(nn.Sequential):
    """Two 3x3 convolutions and a shortcut, one after the other."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            # mistake: in a Sequential the shortcut comes after the convolutions, not around them
            projection(in_channels, channels, stride),
            nn.ReLU(),
        )


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
