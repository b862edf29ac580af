"""The same perceptron in functional style: what has no parameters is a call, not a part.

References: Rumelhart, Hinton and Williams, "Learning representations by back-propagating
errors", Nature 323 (1986).
"""

import torch.nn.functional as F
from torch import Tensor, nn


class MLP(nn.Module):
    """Two hidden layers of the same width; returns logits."""

    def __init__(self, in_features: int = 784, hidden: int = 128, classes: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(in_features, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        x = F.relu(self.fc1(x))  # (B, hidden)
        x = F.relu(self.fc2(x))  # (B, hidden)
        logits: Tensor = self.fc3(x)  # (B, classes)
        return logits
