"""A perceptron of any depth: its hidden layers are made in a loop and kept in a `ModuleList`.

References: Rumelhart, Hinton and Williams, "Learning representations by back-propagating
errors", Nature 323 (1986).
"""

import torch.nn.functional as F
from torch import Tensor, nn


class DeepMLP(nn.Module):
    """`depth` hidden layers of the same width; returns logits."""

    def __init__(
        self, in_features: int = 784, hidden: int = 128, classes: int = 10, depth: int = 3
    ) -> None:
        super().__init__()
        widths = [in_features] + [hidden] * depth
        self.hidden_layers = nn.ModuleList(
            [nn.Linear(widths[i], widths[i + 1]) for i in range(depth)]
        )
        self.output = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        for layer in self.hidden_layers:
            x = F.relu(layer(x))  # (B, hidden)
        logits: Tensor = self.output(x)  # (B, classes)
        return logits
