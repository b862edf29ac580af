"""A recurrent network that reads an image row by row; tanh keeps its state within (-1, 1).

References: Elman, "Finding structure in time", Cognitive Science 14 (1990); on the gradients of
long sequences Bengio, Simard and Frasconi, IEEE Trans. Neural Networks 5 (1994).
"""

from torch import Tensor, nn


class TanhRNN(nn.Module):
    """One recurrent layer and a linear classifier on its last state."""

    def __init__(self, in_features: int = 28, hidden: int = 64, classes: int = 10) -> None:
        super().__init__()
        self.rnn = nn.RNN(in_features, hidden, nonlinearity="tanh", batch_first=True)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, in_features)
        states, _ = self.rnn(x)  # (B, T, hidden)
        logits: Tensor = self.classifier(states[:, -1])  # (B, classes)
        return logits
