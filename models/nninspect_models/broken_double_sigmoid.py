"""A binary classifier that applies a sigmoid before a loss that applies it again.

One mistake, marked below; compare `binary_classifier.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BinaryClassifier(nn.Module):
    """Answers yes or no from a row of features; returns one probability."""

    def __init__(self, in_features: int = 30, hidden: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),  # (B, hidden)
            nn.ReLU(),
            nn.Linear(hidden, 1),  # (B, 1)
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        logit: Tensor = self.layers(x)  # (B, 1)
        return torch.sigmoid(logit)  # mistake: the loss expects a logit

    def predict(self, x: Tensor) -> Tensor:  # (B, in_features)
        """The probability of yes."""
        probability: Tensor = self(x)  # (B, 1)
        return probability

    def loss(self, probability: Tensor, target: Tensor) -> Tensor:  # (B, 1), (B, 1) of 0.0 and 1.0
        """Binary cross entropy; it applies the sigmoid itself."""
        return F.binary_cross_entropy_with_logits(probability, target)
