"""A multi-layer perceptron as a plain `nn.Sequential`: layers in order, reached by index.

References: Rumelhart, Hinton and Williams, "Learning representations by back-propagating
errors", Nature 323 (1986).
"""

from torch import nn


def mlp_sequential(in_features: int = 784, hidden: int = 128, classes: int = 10) -> nn.Sequential:
    """Maps (B, in_features) to logits (B, classes); `model[0]` is the first layer."""
    return nn.Sequential(
        nn.Linear(in_features, hidden),  # (B, hidden)
        nn.ReLU(),
        nn.Linear(hidden, hidden),  # (B, hidden)
        nn.ReLU(),
        nn.Linear(hidden, classes),  # (B, classes)
    )
