"""A module that assigns its first layer before `nn.Module` is initialised: it can't be built.

One mistake, marked below; compare `mlp_module.py`.
"""

from torch import Tensor, nn


class MLP(nn.Module):
    """Two hidden layers of the same width; returns logits."""

    def __init__(self, in_features: int = 784, hidden: int = 128, classes: int = 10) -> None:
        # mistake: super().__init__() is missing
        self.fc1 = nn.Linear(in_features, hidden)
        self.relu1 = nn.ReLU()
        self.fc2 = nn.Linear(hidden, hidden)
        self.relu2 = nn.ReLU()
        self.fc3 = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, in_features)
        x = self.relu1(self.fc1(x))  # (B, hidden)
        x = self.relu2(self.fc2(x))  # (B, hidden)
        logits: Tensor = self.fc3(x)  # (B, classes)
        return logits
