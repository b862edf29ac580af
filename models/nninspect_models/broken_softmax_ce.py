"""A classifier that applies softmax before a loss that applies it again.

One mistake, marked below; compare `classifier.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Classifier(nn.Module):
    """Sorts 28x28 images into classes; returns probabilities."""

    def __init__(self, in_features: int = 784, hidden: int = 128, classes: int = 10) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),  # (B, in_features)
            nn.Linear(in_features, hidden),  # (B, hidden)
            nn.ReLU(),
            nn.Linear(hidden, classes),  # (B, classes)
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, 1, 28, 28)
        logits: Tensor = self.layers(x)  # (B, classes)
        return torch.softmax(logits, dim=1)  # mistake: cross_entropy expects logits

    def predict(self, x: Tensor) -> Tensor:  # (B, 1, 28, 28)
        """The probability of each class."""
        probabilities: Tensor = self(x)  # (B, classes)
        return probabilities

    def loss(self, probabilities: Tensor, target: Tensor) -> Tensor:  # (B, classes), (B,)
        """Cross entropy; it applies the softmax itself."""
        return F.cross_entropy(probabilities, target)
