"""A perceptron without activations: three layers that can do no more than one.

One mistake, marked below; compare `mlp_module.py`.
"""

from torch import Tensor, nn


class MLP(nn.Module):
    """Two hidden layers of the same width; returns logits."""

    def __init__(self, in_features: int = 784, hidden: int = 128, classes: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(in_features, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        # mistake: no activation between the layers
        x = self.fc1(x)  # (B, hidden)
        x = self.fc2(x)  # (B, hidden)
        logits: Tensor = self.fc3(x)  # (B, classes)
        return logits
