"""A convolutional network for 28x28 digits, with each of the usual layers in its usual place.

References: LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE
86 (1998); Srivastava et al., "Dropout", JMLR 15 (2014); Ioffe and Szegedy, "Batch
normalization", arXiv:1502.03167.
"""

from torch import Tensor, nn


class DigitsCNN(nn.Module):
    """Convolution, batch norm, ReLU and pooling, twice; then flatten, dropout and a classifier."""

    def __init__(
        self, in_channels: int = 1, width: int = 16, classes: int = 10, dropout: float = 0.25
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(kernel_size=2, stride=2)

        self.conv2 = nn.Conv2d(width, 2 * width, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * width)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(kernel_size=2, stride=2)

        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * width * 7 * 7, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, 28, 28)
        x = self.relu1(self.norm1(self.conv1(x)))  # (B, width, 28, 28)
        x = self.pool1(x)  # (B, width, 14, 14)
        x = self.relu2(self.norm2(self.conv2(x)))  # (B, 2 * width, 14, 14)
        x = self.pool2(x)  # (B, 2 * width, 7, 7)
        x = self.dropout(self.flatten(x))  # (B, 2 * width * 49)
        logits: Tensor = self.classifier(x)  # (B, classes)
        return logits
