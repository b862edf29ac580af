"""A binary classifier: one logit out; the sigmoid is in the loss, and in `predict`.

References: Bishop, "Pattern recognition and machine learning", section 4.3.2 (logistic
regression and its cross entropy).
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
        """Binary cross entropy; it applies the sigmoid itself."""
        return F.binary_cross_entropy_with_logits(logit, target)
