"""An inception block: four parallel branches, joined by `torch.cat` along the channels.

References: Szegedy et al., "Going deeper with convolutions", arXiv:1409.4842, figure 2b; batch
norm after each convolution as in Ioffe and Szegedy, arXiv:1502.03167.
"""

import torch
from torch import Tensor, nn


def conv_block(in_channels: int, channels: int, kernel_size: int) -> nn.Sequential:
    """Convolution, batch norm, ReLU, at the same height and width."""
    padding = kernel_size // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel_size, padding=padding, bias=False),  # (B, C, H, W)
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


class InceptionBlock(nn.Module):
    """Looks at three scales and a pooled map side by side: `width` channels from each."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.branch1 = conv_block(in_channels, width, 1)
        self.branch3 = nn.Sequential(conv_block(in_channels, width, 1), conv_block(width, width, 3))
        self.branch5 = nn.Sequential(conv_block(in_channels, width, 1), conv_block(width, width, 5))
        self.branch_pool = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), conv_block(in_channels, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, C_in, H, W)
        branches = [
            self.branch1(x),  # (B, width, H, W)
            self.branch3(x),  # (B, width, H, W)
            self.branch5(x),  # (B, width, H, W)
            self.branch_pool(x),  # (B, width, H, W)
        ]
        return torch.cat(branches, dim=1)  # (B, 4 * width, H, W)


class InceptionNet(nn.Module):
    """A stem, one inception block and a linear classifier."""

    def __init__(self, in_channels: int = 3, width: int = 16, classes: int = 10) -> None:
        super().__init__()
        self.stem = conv_block(in_channels, width, 3)
        self.inception = InceptionBlock(width, width)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W)
        x = self.stem(x)  # (B, width, H, W)
        x = self.inception(x)  # (B, 4 * width, H, W)
        x = self.flatten(self.pool(x))  # (B, 4 * width)
        logits: Tensor = self.classifier(x)  # (B, classes)
        return logits
