"""Four activations, each where it belongs: ReLU inside, Sigmoid, Tanh and Softmax on outputs.

References: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML
2010; Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
networks", AISTATS 2010.
"""

from torch import Tensor, nn


class ActivationsZoo(nn.Module):
    """Drives a toy car: what it sees goes in; brake, steering and the road sign come out."""

    def __init__(self, in_features: int = 16, hidden: int = 32, signs: int = 4) -> None:
        super().__init__()
        self.features = nn.Linear(in_features, hidden)
        self.relu = nn.ReLU()
        self.brake = nn.Linear(hidden, 1)
        self.sigmoid = nn.Sigmoid()
        self.steering = nn.Linear(hidden, 1)
        self.tanh = nn.Tanh()
        self.sign = nn.Linear(hidden, signs)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:  # (B, in_features)
        x = self.relu(self.features(x))  # (B, hidden), 0 and above
        return {
            "brake": self.sigmoid(self.brake(x)),  # (B, 1), a probability in (0, 1)
            "steering": self.tanh(self.steering(x)),  # (B, 1), left to right in (-1, 1)
            "sign": self.softmax(self.sign(x)),  # (B, signs), adds up to 1 over the signs
        }
