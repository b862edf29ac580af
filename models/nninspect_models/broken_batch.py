"""A recurrent network that takes the batch for time: each image continues the one before it.

One mistake, marked below; compare `rnn_tanh.py`.
"""

from torch import Tensor, nn


class TanhRNN(nn.Module):
    """One recurrent layer and a linear classifier on its last state."""

    def __init__(self, in_features: int = 28, hidden: int = 64, classes: int = 10) -> None:
        super().__init__()
        # mistake: without batch_first=True the first dimension is time
        self.rnn = nn.RNN(in_features, hidden, nonlinearity="tanh")
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, in_features)
        states, _ = self.rnn(x)  # (B, T, hidden)
        logits: Tensor = self.classifier(states[:, -1])  # (B, classes)
        return logits
