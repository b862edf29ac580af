"""A regressor: one number out, any real value, compared with the target by a squared distance.

References: Hastie, Tibshirani and Friedman, "The elements of statistical learning", section 2.4
(squared error gives the mean, absolute error the median).
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
        """Mean squared error; `F.l1_loss` where outliers should weigh less."""
        return F.mse_loss(value, target)
