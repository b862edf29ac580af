"""The same perceptron as an `nn.Sequential` of an `OrderedDict`: layers reached by name.

References: Rumelhart, Hinton and Williams, "Learning representations by back-propagating
errors", Nature 323 (1986).
"""

from collections import OrderedDict

from torch import nn


def mlp_named(in_features: int = 784, hidden: int = 128, classes: int = 10) -> nn.Sequential:
    """Maps (B, in_features) to logits (B, classes); `model.output` is the last layer."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        input=nn.Linear(in_features, hidden),  # (B, hidden)
        relu1=nn.ReLU(),
        hidden=nn.Linear(hidden, hidden),  # (B, hidden)
        relu2=nn.ReLU(),
        output=nn.Linear(hidden, classes),  # (B, classes)
    )
    return nn.Sequential(layers)
