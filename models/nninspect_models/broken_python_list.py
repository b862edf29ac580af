"""A perceptron that keeps its hidden layers in a Python list: PyTorch doesn't see them.

One mistake, marked below; compare `mlp_modulelist.py`.
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
        # mistake: a list registers nothing
        self.hidden_layers = [nn.Linear(widths[i], widths[i + 1]) for i in range(depth)]
        self.output = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        for layer in self.hidden_layers:
            x = F.relu(layer(x))  # (B, hidden)
        logits: Tensor = self.output(x)  # (B, classes)
        return logits
