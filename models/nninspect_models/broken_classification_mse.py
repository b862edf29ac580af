"""A classifier trained with a loss for values: it is punished for being sure and right.

One mistake, marked below; compare `classifier.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Classifier(nn.Module):
    """Sorts 28x28 images into classes; returns logits."""

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
        return logits

    def predict(self, x: Tensor) -> Tensor:  # (B, 1, 28, 28)
        """The probability of each class."""
        return torch.softmax(self(x), dim=1)  # (B, classes)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:  # (B, classes), (B,)
        """Mean squared error to a one-hot target."""
        one_hot = F.one_hot(target, logits.shape[1]).to(logits.dtype)  # (B, classes)
        return F.mse_loss(logits, one_hot)  # mistake: a loss for values, not for classes
