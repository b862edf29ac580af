"""A multi-class classifier: one logit a class out; softmax is in the loss, and in `predict`.

References: Bishop, "Pattern recognition and machine learning", section 4.3.4 (multi-class
logistic regression and its cross entropy).
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
        """Cross entropy; it applies the softmax itself."""
        return F.cross_entropy(logits, target)
