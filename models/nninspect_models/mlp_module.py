"""The same perceptron as an `nn.Module`: parts in `__init__`, assembly in `forward`.

References: Rumelhart, Hinton and Williams, "Learning representations by back-propagating
errors", Nature 323 (1986).
"""

from torch import Tensor, nn


class MLP(nn.Module):
    """Two hidden layers of the same width; returns logits."""

    def __init__(self, in_features: int = 784, hidden: int = 128, classes: int = 10) -> None:
        super().__init__()
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
