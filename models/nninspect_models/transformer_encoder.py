"""A small transformer encoder that classifies a text: token ids in, a `ModuleList` of blocks.

References: Vaswani et al., "Attention is all you need", arXiv:1706.03762; the norm stands
before each part, as in Xiong et al., arXiv:2002.04745.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Every token gathers from every other; `heads` ways of looking at once."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * width)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, width)
        qkv = self.to_qkv(x).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, width / heads)
        q, k, v = qkv.transpose(1, 3).unbind(2)  # (B, heads, T, width / heads) each
        mixed = F.scaled_dot_product_attention(q, k, v)  # (B, heads, T, width / heads)
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))  # (B, T, width)
        return out


class EncoderBlock(nn.Module):
    """Attention between tokens, then a perceptron on each token; a skip around either."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width),  # (B, T, 4 * width)
            nn.GELU(),
            nn.Linear(4 * width, width),  # (B, T, width)
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, T, width)
        attended = x + self.attention(self.norm1(x))  # (B, T, width)
        out: Tensor = attended + self.feed_forward(self.norm2(attended))  # (B, T, width)
        return out


class TransformerEncoder(nn.Module):
    """Embeds tokens and their positions, runs `depth` blocks, classifies the mean of the tokens."""

    def __init__(
        self,
        vocabulary: int = 100,
        max_tokens: int = 64,
        width: int = 32,
        heads: int = 4,
        depth: int = 2,
        classes: int = 4,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(0.02 * torch.randn(max_tokens, width))
        self.blocks = nn.ModuleList([EncoderBlock(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:  # (B, T), whole numbers below `vocabulary`
        x = self.embedding(tokens) + self.positions[: tokens.shape[1]]  # (B, T, width)
        for block in self.blocks:
            x = block(x)  # (B, T, width)
        x = self.norm(x).mean(dim=1)  # (B, width)
        logits: Tensor = self.classifier(x)  # (B, classes)
        return logits
