"""A network of two inputs, taken by keyword: a photo and the numbers that belong to it.

References: Ngiam et al., "Multimodal deep learning", ICML 2011 (two kinds of data meet in a
shared layer).
"""

import torch
from torch import Tensor, nn


class TwoInputs(nn.Module):
    """One branch an input; their features are concatenated and classified together."""

    def __init__(
        self, in_channels: int = 1, in_features: int = 8, width: int = 16, classes: int = 3
    ) -> None:
        super().__init__()
        self.image_branch = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, stride=2, padding=1, bias=False),  # (B, width, 14, 14)
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),  # (B, width, 1, 1)
            nn.Flatten(),  # (B, width)
        )
        self.feature_branch = nn.Sequential(
            nn.Linear(in_features, width),  # (B, width)
            nn.ReLU(),
        )
        self.classifier = nn.Linear(2 * width, classes)

    def forward(self, image: Tensor, features: Tensor) -> Tensor:  # (B, C, 28, 28), (B, F)
        seen = self.image_branch(image)  # (B, width)
        known = self.feature_branch(features)  # (B, width)
        both = torch.cat([seen, known], dim=1)  # (B, 2 * width)
        logits: Tensor = self.classifier(both)  # (B, classes)
        return logits
