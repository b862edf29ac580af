"""Networks for text, series and sound: healthy, as users write them."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class GRUClassifier(nn.Module):
    """Both directions, the last states joined."""

    def __init__(self, vocab=500, embed=64, hidden=64, classes=4):
        super().__init__()
        self.embedding = nn.Embedding(vocab, embed, padding_idx=0)
        self.gru = nn.GRU(
            embed, hidden, num_layers=2, batch_first=True, bidirectional=True, dropout=0.3
        )
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(2 * hidden, classes)

    def forward(self, tokens):
        x = self.dropout(self.embedding(tokens))
        _, h = self.gru(x)
        return self.fc(self.dropout(torch.cat([h[-2], h[-1]], dim=1)))


class LSTMLanguageModel(nn.Module):
    """Embedding and decoder share their weight; the hidden state goes in and out."""

    def __init__(self, ntoken=300, ninp=64, nlayers=2, dropout=0.2):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, ninp, nlayers, dropout=dropout, batch_first=True)
        self.decoder = nn.Linear(ninp, ntoken)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, input, hidden=None):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        return self.decoder(self.drop(output)), hidden


class AttentionPooling(nn.Module):
    """A learned weighting of the steps of a sequence."""

    def __init__(self, features=16, hidden=64, classes=5):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.attention = nn.Sequential(nn.Linear(hidden, 32), nn.Tanh(), nn.Linear(32, 1))
        self.out = nn.Linear(hidden, classes)

    def forward(self, x):
        states, _ = self.lstm(x)
        weights = torch.softmax(self.attention(states).squeeze(-1), dim=1)
        context = torch.bmm(weights.unsqueeze(1), states).squeeze(1)
        return self.out(context)


class TemporalBlock(nn.Module):
    def __init__(self, n_in, n_out, kernel, dilation, dropout=0.2):
        super().__init__()
        wn = nn.utils.parametrizations.weight_norm
        self.pad = (kernel - 1) * dilation
        self.conv1 = wn(nn.Conv1d(n_in, n_out, kernel, dilation=dilation))
        self.conv2 = wn(nn.Conv1d(n_out, n_out, kernel, dilation=dilation))
        self.dropout = nn.Dropout(dropout)
        self.downsample = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else None

    def forward(self, x):
        out = self.dropout(F.relu(self.conv1(F.pad(x, (self.pad, 0)))))
        out = self.dropout(F.relu(self.conv2(F.pad(out, (self.pad, 0)))))
        res = x if self.downsample is None else self.downsample(x)
        return F.relu(out + res)


class TCN(nn.Module):
    """Causal dilated convolutions."""

    def __init__(self, features=8, channels=(32, 32, 32), outputs=1):
        super().__init__()
        layers = []
        for i, c in enumerate(channels):
            layers.append(TemporalBlock(channels[i - 1] if i else features, c, 3, 2**i))
        self.network = nn.Sequential(*layers)
        self.linear = nn.Linear(channels[-1], outputs)

    def forward(self, x):
        return self.linear(self.network(x)[:, :, -1])


class WaveNet(nn.Module):
    """Gated activations, residual and skip paths."""

    def __init__(self, classes=64, residual=32, skip=64, layers=5):
        super().__init__()
        self.embed = nn.Embedding(classes, residual)
        self.filters = nn.ModuleList()
        self.gates = nn.ModuleList()
        self.res = nn.ModuleList()
        self.skips = nn.ModuleList()
        for i in range(layers):
            self.filters.append(nn.Conv1d(residual, residual, 2, dilation=2**i))
            self.gates.append(nn.Conv1d(residual, residual, 2, dilation=2**i))
            if i < layers - 1:
                self.res.append(nn.Conv1d(residual, residual, 1))
            self.skips.append(nn.Conv1d(residual, skip, 1))
        self.end1 = nn.Conv1d(skip, skip, 1)
        self.end2 = nn.Conv1d(skip, classes, 1)

    def forward(self, samples):
        x = self.embed(samples).transpose(1, 2)
        total = 0
        for i, (f, g, s) in enumerate(zip(self.filters, self.gates, self.skips, strict=True)):
            padded = F.pad(x, (2**i, 0))
            z = torch.tanh(f(padded)) * torch.sigmoid(g(padded))
            total = total + s(z)
            if i < len(self.res):
                x = x + self.res[i](z)
        return self.end2(F.relu(self.end1(F.relu(total))))


class CausalSelfAttention(nn.Module):
    def __init__(self, dim, heads, block_size):
        super().__init__()
        self.c_attn = nn.Linear(dim, 3 * dim)
        self.c_proj = nn.Linear(dim, dim)
        self.heads = heads
        self.register_buffer("bias", torch.tril(torch.ones(block_size, block_size))[None, None])

    def forward(self, x):
        B, T, C = x.size()  # noqa: N806
        q, k, v = self.c_attn(x).split(C, dim=2)
        q = q.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        k = k.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        v = v.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class GPTBlock(nn.Module):
    def __init__(self, dim, heads, block_size):
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim)
        self.attn = CausalSelfAttention(dim, heads, block_size)
        self.ln_2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim), nn.Dropout(0.1)
        )

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """A decoder of tokens with tied embeddings."""

    def __init__(self, vocab=256, dim=64, heads=4, depth=3, block_size=32):
        super().__init__()
        self.wte = nn.Embedding(vocab, dim)
        self.wpe = nn.Embedding(block_size, dim)
        self.drop = nn.Dropout(0.1)
        self.h = nn.ModuleList([GPTBlock(dim, heads, block_size) for _ in range(depth)])
        self.ln_f = nn.LayerNorm(dim)
        self.lm_head = nn.Linear(dim, vocab, bias=False)
        self.wte.weight = self.lm_head.weight
        for name, p in self.named_parameters():
            if p.dim() > 1:
                std = 0.02 / math.sqrt(2 * depth) if name.endswith("c_proj.weight") else 0.02
                nn.init.normal_(p, std=std)

    def forward(self, idx):
        pos = torch.arange(idx.size(1), dtype=torch.long, device=idx.device)
        x = self.drop(self.wte(idx) + self.wpe(pos))
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=128):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div)
        pe[0, :, 1::2] = torch.cos(position * div)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class Translator(nn.Module):
    """nn.Transformer with source and target tokens, and a causal mask."""

    def __init__(self, vocab=200, d_model=64):
        super().__init__()
        self.src_embed = nn.Embedding(vocab, d_model)
        self.tgt_embed = nn.Embedding(vocab, d_model)
        self.pos = PositionalEncoding(d_model)
        self.transformer = nn.Transformer(
            d_model, nhead=4, num_encoder_layers=2, num_decoder_layers=2,
            dim_feedforward=128, batch_first=True,
        )  # fmt: skip
        self.generator = nn.Linear(d_model, vocab)

    def forward(self, src, tgt):
        mask = nn.Transformer.generate_square_subsequent_mask(tgt.size(1), device=tgt.device)
        out = self.transformer(
            self.pos(self.src_embed(src)), self.pos(self.tgt_embed(tgt)), tgt_mask=mask
        )
        return self.generator(out)


class Tagger(nn.Module):
    """Characters and words, both ways, a tag for each word."""

    def __init__(self, words=300, tags=9):
        super().__init__()
        self.word = nn.Embedding(words, 48)
        self.lstm = nn.LSTM(48, 32, bidirectional=True, batch_first=True)
        self.norm = nn.LayerNorm(64)
        self.project = nn.Linear(64, tags)

    def forward(self, sentence):
        mask = (sentence != 0).unsqueeze(-1)
        states, _ = self.lstm(self.word(sentence))
        return self.project(self.norm(states) * mask)


class Forecaster(nn.Module):
    """An LSTM cell unrolled by hand, state made on the input's device."""

    def __init__(self, features=4, hidden=32, horizon=5):
        super().__init__()
        self.hidden, self.horizon = hidden, horizon
        self.cell = nn.LSTMCell(features, hidden)
        self.out = nn.Linear(hidden, features)

    def forward(self, x):
        h = x.new_zeros(x.size(0), self.hidden)
        c = torch.zeros_like(h)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
        predictions = []
        for _ in range(self.horizon):
            y = self.out(h)
            predictions.append(y)
            h, c = self.cell(y, (h, c))
        return torch.stack(predictions, dim=1)


class MambaLike(nn.Module):
    """A gated depthwise mixer of a series."""

    def __init__(self, dim=32, depth=2):
        super().__init__()
        self.embed = nn.Linear(6, dim)
        self.layers = nn.ModuleList()
        for _ in range(depth):
            self.layers.append(
                nn.ModuleDict(
                    {
                        "norm": nn.LayerNorm(dim),
                        "inp": nn.Linear(dim, 4 * dim),
                        "conv": nn.Conv1d(2 * dim, 2 * dim, 4, groups=2 * dim, padding=3),
                        "out": nn.Linear(2 * dim, dim),
                    }
                )
            )
        self.head = nn.Linear(dim, 2)

    def forward(self, x):
        x = self.embed(x)
        for layer in self.layers:
            u, gate = layer["inp"](layer["norm"](x)).chunk(2, dim=-1)
            u = layer["conv"](u.transpose(1, 2))[..., : x.size(1)].transpose(1, 2)
            x = x + layer["out"](F.silu(u) * F.silu(gate))
        return self.head(x.mean(dim=1))
