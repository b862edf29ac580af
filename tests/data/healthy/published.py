"""Networks as they were published, in small: windows, shifts, shuffles, slots, queues; healthy."""

# ruff: noqa: N803, N806 - dimensions are called as in the papers

import math

import torch
import torch.nn.functional as F
from torch import nn


def window_partition(x, ws):
    B, H, W, C = x.shape
    x = x.view(B, H // ws, ws, W // ws, ws, C)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, ws, ws, C)


def window_reverse(windows, ws, H, W):
    B = int(windows.shape[0] / (H * W / ws / ws))
    x = windows.view(B, H // ws, W // ws, ws, ws, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(B, H, W, -1)


class WindowAttention(nn.Module):
    def __init__(self, dim, ws, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * ws - 1) ** 2, heads))
        coords = torch.stack(
            torch.meshgrid(torch.arange(ws), torch.arange(ws), indexing="ij")
        ).flatten(1)
        rel = (coords[:, :, None] - coords[:, None, :]).permute(1, 2, 0).contiguous()
        rel += ws - 1
        rel[:, :, 0] *= 2 * ws - 1
        self.register_buffer("relative_position_index", rel.sum(-1))
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x, mask=None):
        B_, N, C = x.shape
        qkv = self.qkv(x).reshape(B_, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        attn = (q * self.scale) @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)].view(
            N, N, -1
        )
        attn = attn + bias.permute(2, 0, 1).contiguous().unsqueeze(0)
        if mask is not None:
            nW = mask.shape[0]
            attn = attn.view(B_ // nW, nW, self.heads, N, N) + mask.unsqueeze(1).unsqueeze(0)
            attn = attn.view(-1, self.heads, N, N)
        attn = attn.softmax(dim=-1)
        return self.proj((attn @ v).transpose(1, 2).reshape(B_, N, C))


class SwinBlock(nn.Module):
    def __init__(self, dim, res, ws, shift, heads):
        super().__init__()
        self.res, self.ws, self.shift = res, ws, shift
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, ws, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        mask = None
        if shift:
            img = torch.zeros(1, res, res, 1)
            cnt = 0
            for h in (slice(0, -ws), slice(-ws, -shift), slice(-shift, None)):
                for w in (slice(0, -ws), slice(-ws, -shift), slice(-shift, None)):
                    img[:, h, w, :] = cnt
                    cnt += 1
            mw = window_partition(img, ws).view(-1, ws * ws)
            mask = mw.unsqueeze(1) - mw.unsqueeze(2)
            mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)
        self.register_buffer("attn_mask", mask)

    def forward(self, x):
        B, L, C = x.shape
        H = W = self.res
        y = self.norm1(x).view(B, H, W, C)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        w = window_partition(y, self.ws).view(-1, self.ws**2, C)
        w = self.attn(w, self.attn_mask).view(-1, self.ws, self.ws, C)
        y = window_reverse(w, self.ws, H, W)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y.view(B, L, C)
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    def __init__(self, classes=5, dim=16):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, 4, 4)
        self.blocks = nn.ModuleList([SwinBlock(dim, 8, 4, 0, 2), SwinBlock(dim, 8, 4, 2, 2)])
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.merge_norm = nn.LayerNorm(4 * dim)
        self.norm = nn.LayerNorm(2 * dim)
        self.head = nn.Linear(2 * dim, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        B, C, H, W = x.shape
        x = x.flatten(2).transpose(1, 2)
        for b in self.blocks:
            x = b(x)
        x = x.view(B, H, W, C)
        x = torch.cat(
            [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1
        ).view(B, -1, 4 * C)
        x = self.reduction(self.merge_norm(x))
        return self.head(self.norm(x).mean(1))


class PixelNorm(nn.Module):
    def forward(self, x):
        return x * torch.rsqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8)


class EqualLinear(nn.Module):
    def __init__(self, i, o, lr_mul=0.01, bias_init=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(o, i) / lr_mul)
        self.bias = nn.Parameter(torch.full((o,), bias_init))
        self.scale, self.lr_mul = lr_mul / math.sqrt(i), lr_mul

    def forward(self, x):
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_mul)


class ModulatedConv(nn.Module):
    def __init__(self, i, o, k, style, demodulate=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, o, i, k, k))
        self.modulation = EqualLinear(style, i, lr_mul=1, bias_init=1.0)
        self.scale, self.pad, self.demodulate = 1 / math.sqrt(i * k * k), k // 2, demodulate

    def forward(self, x, style):
        b, c, h, w = x.shape
        s = self.modulation(style).view(b, 1, c, 1, 1)
        weight = self.scale * self.weight * s
        if self.demodulate:
            d = torch.rsqrt(weight.pow(2).sum([2, 3, 4]) + 1e-8)
            weight = weight * d.view(b, -1, 1, 1, 1)
        o = weight.shape[1]
        out = F.conv2d(
            x.reshape(1, b * c, h, w),
            weight.view(b * o, c, *weight.shape[-2:]),
            padding=self.pad,
            groups=b,
        )
        return out.view(b, o, h, w)


class StyleGen(nn.Module):
    def __init__(self, z=32, ch=16):
        super().__init__()
        layers = [PixelNorm()]
        for _ in range(4):
            layers += [EqualLinear(z, z), nn.LeakyReLU(0.2)]
        self.style = nn.Sequential(*layers)
        self.const = nn.Parameter(torch.randn(1, ch, 4, 4))
        self.convs = nn.ModuleList(ModulatedConv(ch, ch, 3, z) for _ in range(3))
        self.noise = nn.ParameterList([nn.Parameter(torch.zeros(1)) for _ in range(3)])
        self.to_rgb = ModulatedConv(ch, 3, 1, z, demodulate=False)

    def forward(self, z):
        w = self.style(z)
        x = self.const.repeat(z.shape[0], 1, 1, 1)
        for conv, gain in zip(self.convs, self.noise, strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = conv(x, w)
            if self.training:
                x = x + gain * torch.randn(x.shape[0], 1, *x.shape[2:], device=x.device)
            x = F.leaky_relu(x, 0.2) * math.sqrt(2)
        return self.to_rgb(x, w)


class SlotAttention(nn.Module):
    def __init__(self, slots=3, dim=16, iters=3, eps=1e-8):
        super().__init__()
        self.slots, self.iters, self.eps, self.scale = slots, iters, eps, dim**-0.5
        self.slots_mu = nn.Parameter(torch.randn(1, 1, dim))
        self.slots_logsigma = nn.Parameter(torch.zeros(1, 1, dim))
        nn.init.xavier_uniform_(self.slots_logsigma)
        self.to_q, self.to_k, self.to_v = (
            nn.Linear(dim, dim),
            nn.Linear(dim, dim),
            nn.Linear(dim, dim),
        )
        self.gru = nn.GRUCell(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(inplace=True), nn.Linear(32, dim))
        self.norm_input, self.norm_slots, self.norm_ff = (
            nn.LayerNorm(dim),
            nn.LayerNorm(dim),
            nn.LayerNorm(dim),
        )

    def forward(self, inputs):
        b, _, d = inputs.shape
        mu, sigma = (
            self.slots_mu.expand(b, self.slots, -1),
            self.slots_logsigma.exp().expand(b, self.slots, -1),
        )
        slots = mu + sigma * torch.randn(mu.shape, device=inputs.device)
        x = self.norm_input(inputs)
        k, v = self.to_k(x), self.to_v(x)
        for _ in range(self.iters):
            prev = slots
            q = self.to_q(self.norm_slots(slots))
            attn = (torch.einsum("bid,bjd->bij", q, k) * self.scale).softmax(dim=1) + self.eps
            attn = attn / attn.sum(dim=-1, keepdim=True)
            updates = torch.einsum("bjd,bij->bid", v, attn)
            slots = self.gru(updates.reshape(-1, d), prev.reshape(-1, d)).reshape(b, -1, d)
            slots = slots + self.mlp(self.norm_ff(slots))
        return slots


class TransfoRel(nn.Module):
    """Relative attention with the skew of Music Transformer and Transformer-XL."""

    def __init__(self, vocab=40, d=24, heads=3, max_len=32):
        super().__init__()
        self.emb, self.heads, self.dh, self.max_len = (
            nn.Embedding(vocab, d),
            heads,
            d // heads,
            max_len,
        )
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.Er = nn.Parameter(torch.randn(max_len, d // heads) * 0.1)
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocab)

    def skew(self, qe):
        b, h, t, _ = qe.shape
        return F.pad(qe, (1, 0)).view(b, h, t + 1, t)[:, :, 1:]

    def forward(self, x):
        b, t = x.shape
        h = self.emb(x)
        q, k, v = (
            self.qkv(self.norm(h)).view(b, t, self.heads, 3 * self.dh).transpose(1, 2).chunk(3, -1)
        )
        rel = self.skew(q @ self.Er[self.max_len - t :].t())
        s = (q @ k.transpose(-2, -1) + rel) / math.sqrt(self.dh)
        s = s.masked_fill(torch.ones(t, t, dtype=torch.bool, device=x.device).triu(1), -1e9)
        y = (s.softmax(-1) @ v).transpose(1, 2).reshape(b, t, -1)
        return self.head(h + self.out(y))


class WordLM(nn.Module):
    """examples/word_language_model: tokens (T, B)."""

    def __init__(self, ntoken=50, ninp=24, nhid=24, nlayers=2):
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=0.5)
        self.decoder = nn.Linear(nhid, ntoken)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        self.nhid, self.nlayers, self.ntoken = nhid, nlayers, ntoken

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(
            self.nlayers, bsz, self.nhid
        )

    def forward(self, input, hidden=None):
        if hidden is None:
            hidden = self.init_hidden(input.size(1))
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output))
        return F.log_softmax(decoded, dim=-1), hidden


class Distilled(nn.Module):
    def __init__(self, T=4.0):
        super().__init__()
        self.teacher = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 5))
        self.student = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 5))
        self.teacher.eval()
        self.teacher.requires_grad_(False)
        self.T = T

    def train(self, mode=True):
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            t = F.softmax(self.teacher(x) / self.T, dim=-1)
        s = self.student(x)
        kd = F.kl_div(F.log_softmax(s / self.T, dim=-1), t, reduction="batchmean") * self.T**2
        return {"logits": s, "kd_loss": kd}


def channel_shuffle(x, groups):
    b, c, h, w = x.size()
    x = x.view(b, groups, c // groups, h, w)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(b, -1, h, w)


def cbr(i, o, k=3, s=1, g=1, act=True):
    layers = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if act else nn.Sequential(*layers)


class ShuffleNet(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.stem, self.branch = (
            cbr(3, 24, s=2),
            nn.Sequential(cbr(12, 12, 1), cbr(12, 12, 3, g=12, act=False), cbr(12, 12, 1)),
        )
        self.fc = nn.Linear(24, classes)

    def forward(self, x):
        x = self.stem(x)
        for _ in range(2):
            a, b = x.chunk(2, dim=1)
            x = channel_shuffle(torch.cat((a, self.branch(b)), dim=1), 2)
        return self.fc(x.mean([2, 3]))


class DGCNN(nn.Module):
    def __init__(self, classes=4, k=5):
        super().__init__()
        self.k = k
        self.conv1 = nn.Sequential(
            nn.Conv2d(6, 16, 1, bias=False), nn.BatchNorm2d(16), nn.LeakyReLU(0.2)
        )
        self.conv2 = nn.Sequential(
            nn.Conv2d(32, 32, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2)
        )
        self.linear = nn.Linear(96, classes)

    def graph(self, x):
        b, c, n = x.shape
        d = -torch.cdist(x.transpose(1, 2), x.transpose(1, 2))
        idx = d.topk(self.k, dim=-1)[1]
        idx = (idx + torch.arange(b, device=x.device).view(-1, 1, 1) * n).view(-1)
        flat = x.transpose(2, 1).contiguous()
        feat = flat.view(b * n, -1)[idx].view(b, n, self.k, c)
        center = flat.view(b, n, 1, c).repeat(1, 1, self.k, 1)
        return torch.cat((feat - center, center), dim=3).permute(0, 3, 1, 2).contiguous()

    def forward(self, pts):
        x1 = self.conv1(self.graph(pts.transpose(1, 2))).max(dim=-1)[0]
        x2 = self.conv2(self.graph(x1)).max(dim=-1)[0]
        x = torch.cat([x1, x2], 1)
        return self.linear(torch.cat([x.max(-1)[0], x.mean(-1)], 1))


class MoCo(nn.Module):
    def __init__(self, d=16, K=32, m=0.999, T=0.07):
        super().__init__()
        self.K, self.m, self.T = K, m, T
        self.encoder_q, self.encoder_k = (
            nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, d)) for _ in range(2)
        )
        for q, k in zip(self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True):
            k.data.copy_(q.data)
            k.requires_grad = False
        self.register_buffer("queue", F.normalize(torch.randn(d, K), dim=0))
        self.register_buffer("ptr", torch.zeros(1, dtype=torch.long))

    @torch.no_grad()
    def _enqueue(self, keys):
        n, p = keys.shape[0], int(self.ptr)
        self.queue[:, p : p + n] = keys.T[:, : self.K - p]
        self.ptr[0] = (p + n) % self.K

    def forward(self, im_q, im_k):
        q = F.normalize(self.encoder_q(im_q), dim=1)
        with torch.no_grad():
            if self.training:
                for a, b in zip(
                    self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True
                ):
                    b.data = b.data * self.m + a.data * (1.0 - self.m)
            k = F.normalize(self.encoder_k(im_k), dim=1)
        pos = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        neg = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
        if self.training:
            self._enqueue(k)
        return torch.cat([pos, neg], dim=1) / self.T


class SchNet(nn.Module):
    """One molecule: positions and kinds of its atoms."""

    def __init__(self, d=16, n=8):
        super().__init__()
        self.emb = nn.Embedding(5, d)
        self.register_buffer("mu", torch.linspace(0, 5, n))
        self.filter = nn.Sequential(nn.Linear(n, d), nn.Softplus(), nn.Linear(d, d))
        self.lin1, self.lin2 = nn.Linear(d, d, bias=False), nn.Linear(d, d)
        self.out = nn.Sequential(nn.Linear(d, d), nn.Softplus(), nn.Linear(d, 1))

    def forward(self, pos, z):
        h = self.emb(z)
        d = torch.cdist(pos, pos)
        w = self.filter(torch.exp(-((d[..., None] - self.mu) ** 2)))
        h = h + self.lin2(F.softplus((w * self.lin1(h)[None]).sum(1)))
        return self.out(h).sum(0)
