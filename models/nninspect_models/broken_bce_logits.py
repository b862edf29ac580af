"""A binary classifier that gives its logit to a loss that wants a probability.

One mistake, marked below; compare `binary_classifier.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BinaryClassifier(nn.Module):
    """Answers yes or no from a row of features; returns one logit."""

    def __init__(self, in_features: int = 30, hidden: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),  # (B, hidden)
            nn.ReLU(),
            nn.Linear(hidden, 1),  # (B, 1)
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        logit: Tensor = self.layers(x)  # (B, 1)
        return logit

    def predict(self, x: Tensor) -> Tensor:  # (B, in_features)
        """The probability of yes."""
        return torch.sigmoid(self(x))  # (B, 1)

    def loss(self, logit: Tensor, target: Tensor) -> Tensor:  # (B, 1), (B, 1) of 0.0 and 1.0
        """Binary cross entropy; it wants a probability."""
        return F.binary_cross_entropy(logit, target)  # mistake: a logit is no probability
