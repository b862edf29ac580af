"""A regressor trained with a loss for classes: it learns nothing at all.

One mistake, marked below; compare `regressor.py`.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class Regressor(nn.Module):
    """Predicts one value from a row of features; nothing bounds what it returns."""

    def __init__(self, in_features: int = 8, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),  # (B, hidden)
            nn.ReLU(),
            nn.Linear(hidden, hidden),  # (B, hidden)
            nn.ReLU(),
            nn.Linear(hidden, 1),  # (B, 1)
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        value: Tensor = self.layers(x)  # (B, 1)
        return value

    def loss(self, value: Tensor, target: Tensor) -> Tensor:  # (B, 1), (B, 1)
        """Cross entropy, over the one output there is."""
        return F.cross_entropy(value, target)  # mistake: a loss for classes, not for values
