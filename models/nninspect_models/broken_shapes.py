"""A network whose classifier expects another shape than the layers before it give.

One mistake, marked below; compare `cnn_digits.py`.
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
        # mistake: two poolings leave 7 x 7, not 14 x 14
        self.classifier = nn.Linear(2 * width * 14 * 14, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, 28, 28)
        x = self.relu1(self.norm1(self.conv1(x)))  # (B, width, 28, 28)
        x = self.pool1(x)  # (B, width, 14, 14)
        x = self.relu2(self.norm2(self.conv2(x)))  # (B, 2 * width, 14, 14)
        x = self.pool2(x)  # (B, 2 * width, 7, 7)
        x = self.dropout(self.flatten(x))  # (B, 2 * width * 49)
        logits: Tensor = self.classifier(x)  # (B, classes)
        return logits
