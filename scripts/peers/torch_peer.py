"""The suites train, rollout and ppo of `limr bench` in PyTorch, for comparison.

    python scripts/peers/torch_peer.py step|ppo|generation [--size standard|1m|10m|100m] [--batch N]
        [--threads N] [--repeats N] [--device cpu|cuda] [--dtype f32|bf16] [--compile]

The arithmetic is the bench's (src/bench/sized.ts; `standard` is the preset, for ppo alone).
step: forward, backward, clipping and AdamW on B sequences of T predicted tokens.
generation: 64 tokens after a first one, greedily, by a KV cache; --batch sequences, or 1 and 256.
ppo: samples by a KV cache, the prompt prefilled once per group; log-probabilities of the frozen
reference and values; GAE; four minibatches of clipped policy and value losses, each with clipping and
AdamW. Sequences are whole in training, as in PyTorch trainers: a prompt is computed once per sample
there. No response ends early, as nearly none does with random weights.
TF32 is off. bf16 is autocast over f32 weights.
"""

import argparse
import contextlib
import json
import statistics
import time
from types import SimpleNamespace

import torch
import torch.nn.functional as F

SIZES = {
    "standard": dict(B=128, T=30, C=64, L=2, H=4, V=19, F=172),
    "1m": dict(B=64, T=64, C=128, L=4, H=4, V=512, F=344),
    "10m": dict(B=32, T=256, C=384, L=6, H=6, V=4096, F=1024),
    "100m": dict(B=16, T=512, C=768, L=12, H=12, V=32_000, F=2048),
}
SAMPLES, NEW_TOKENS = 8, 64


class Trunk(torch.nn.Module):
    """A decoder with RMSNorm, rotary embedding and SwiGLU; its head is tied, or one row for values."""

    def __init__(self, shape, values=False):
        super().__init__()
        self.shape = shape
        C, inner = shape.C, shape.F

        def parameter(*size):
            return torch.nn.Parameter(torch.randn(*size) * 0.02)

        self.embedding = parameter(shape.V, C)
        self.layers = torch.nn.ModuleList(
            torch.nn.ParameterDict(
                dict(
                    norm1=torch.nn.Parameter(torch.ones(C)),
                    qkv=parameter(3 * C, C),
                    out=parameter(C, C),
                    norm2=torch.nn.Parameter(torch.ones(C)),
                    gate_up=parameter(2 * inner, C),
                    down=parameter(C, inner),
                )
            )
            for _ in range(shape.L)
        )
        self.norm = torch.nn.Parameter(torch.ones(C))
        self.head = parameter(1, C) if values else None
        half = C // shape.H // 2
        angles = torch.outer(
            torch.arange(shape.T + 1).float(), 10_000.0 ** (-torch.arange(half) / half)
        )
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def rotate(self, x, at):
        half = x.shape[-1] // 2
        cos, sin = self.cos[at : at + x.shape[2]], self.sin[at : at + x.shape[2]]
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1).to(x.dtype)

    def forward(self, ids, cache=None, at=0):
        rows, length = ids.shape
        C, heads = self.shape.C, self.shape.H
        x = self.embedding[ids]
        for i, layer in enumerate(self.layers):
            z = F.rms_norm(x, (C,), layer["norm1"])
            fused = F.linear(z, layer["qkv"]).view(rows, length, 3, heads, C // heads)
            q, k, v = fused.permute(2, 0, 3, 1, 4)
            q, k = self.rotate(q, at), self.rotate(k, at)
            if cache is not None:
                keys, values = cache[i]
                keys[:, :, at : at + length], values[:, :, at : at + length] = k, v
                k, v = keys[:, :, : at + length].to(q.dtype), values[:, :, : at + length].to(q.dtype)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
            x = x + F.linear(y.transpose(1, 2).reshape(rows, length, C), layer["out"])
            z = F.rms_norm(x, (C,), layer["norm2"])
            gate, up = F.linear(z, layer["gate_up"]).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer["down"])
        x = F.rms_norm(x, (C,), self.norm)
        return F.linear(x, self.embedding if self.head is None else self.head).float()

    def caches(self, rows):
        size = (rows, self.shape.H, self.shape.T + 1, self.shape.C // self.shape.H)
        device = self.norm.device
        return [
            (torch.zeros(size, device=device), torch.zeros(size, device=device))
            for _ in range(self.shape.L)
        ]


class Peer:
    def __init__(self, options):
        self.shape = SimpleNamespace(**SIZES[options.size])
        if options.batch:
            self.shape.B = options.batch
        self.device, self.bf16, self.compiles = options.device, options.dtype == "bf16", options.compile

    def trunk(self, values=False):
        trunk = Trunk(self.shape, values).to(self.device)
        return torch.compile(trunk) if self.compiles else trunk

    def autocast(self):
        if not self.bf16:
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)

    def optimizer(self, model):
        fused = self.device == "cuda"
        return torch.optim.AdamW(
            model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0, fused=fused
        )

    def ids(self, rows, columns):
        return torch.randint(0, self.shape.V, (rows, columns), device=self.device)

    def finish(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    # Training steps.

    def steps(self):
        model = self.trunk()
        optimizer = self.optimizer(model)
        ids = self.ids(self.shape.B, self.shape.T + 1)

        def run():
            with self.autocast():
                logits = model(ids[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
            optimize(model, optimizer, loss)
            loss.item()
            return {}

        return run, self.shape.B * self.shape.T

    # Generation.

    def generation(self, batch):
        model = self.trunk()
        first = self.ids(batch, 1)

        @torch.no_grad()
        def run():
            with self.autocast():
                token, cache = first, model.caches(batch)
                for at in range(NEW_TOKENS):
                    token = model(token, cache, at)[:, -1].argmax(-1, keepdim=True)
                token.cpu()
            return {}

        return run, batch * NEW_TOKENS

    # PPO.

    def ppo(self):
        standard = self.shape.T == 30
        prompt = 14 if standard else self.shape.T // 4
        response = 16 if standard else 3 * self.shape.T // 4
        count = 64 if standard else max(1, -(-4 * self.shape.B // SAMPLES))
        temperature = 1.2
        rows = count * SAMPLES
        policy, critic, reference = self.trunk(), self.trunk(values=True), self.trunk()
        reference.load_state_dict(policy.state_dict())
        steps = self.optimizer(policy), self.optimizer(critic)
        prompts = self.ids(count, prompt)

        def log_probs(model, ids):
            with self.autocast():
                logits = model(ids[:, :-1])[:, prompt - 1 :] / temperature
            return logits.log_softmax(-1).gather(-1, ids[:, prompt:, None])[..., 0]

        def values_of(ids):
            with self.autocast():
                return critic(ids[:, :-1])[:, prompt - 1 :, 0]

        @torch.no_grad()
        def rollout():
            with self.autocast():
                prefilled = policy.caches(count)
                logits = policy(prompts, prefilled)[:, -1].repeat_interleave(SAMPLES, 0)
                cache = [
                    (k.repeat_interleave(SAMPLES, 0), v.repeat_interleave(SAMPLES, 0))
                    for k, v in prefilled
                ]
                ids, chosen = [prompts.repeat_interleave(SAMPLES, 0)], []
                for t in range(response):
                    scores = (logits / temperature).log_softmax(-1)
                    token = torch.multinomial(scores.exp(), 1)
                    ids.append(token)
                    chosen.append(scores.gather(-1, token))
                    if t < response - 1:
                        logits = policy(token, cache, prompt + t)[:, -1]
            return torch.cat(ids, 1), torch.cat(chosen, 1)

        @torch.no_grad()
        def advantages(reward, old, base, values):
            rewards = -0.01 * (old - base)
            rewards[:, -1] += reward
            found = torch.zeros_like(values)
            running = torch.zeros(rows, device=self.device)
            for t in reversed(range(response)):
                after = values[:, t + 1] if t < response - 1 else 0.0
                running = rewards[:, t] + after - values[:, t] + 0.95 * running
                found[:, t] = running
            return (found - found.mean()) / (found.std() + 1e-8), found + values

        def run():
            started = time.perf_counter()
            ids, old = rollout()
            self.finish()
            sampled = time.perf_counter()
            with torch.no_grad():
                # In parts, as updates are, so that logits of large vocabularies fit.
                parts = ids.chunk(4)
                base = torch.cat([log_probs(reference, part) for part in parts])
                values = torch.cat([values_of(part) for part in parts])
            reward = torch.rand(rows, device=self.device) - 0.5
            advantage, returns = advantages(reward, old, base, values)
            for chosen in torch.randperm(rows, device=self.device).chunk(4):
                ratio = (log_probs(policy, ids[chosen]) - old[chosen]).exp()
                clipped = ratio.clamp(0.8, 1.2)
                optimize(
                    policy,
                    steps[0],
                    -torch.min(ratio * advantage[chosen], clipped * advantage[chosen]).mean(),
                )
                value, before, target = values_of(ids[chosen]), values[chosen], returns[chosen]
                near = before + (value - before).clamp(-0.2, 0.2)
                optimize(
                    critic,
                    steps[1],
                    0.5 * torch.max((value - target) ** 2, (near - target) ** 2).mean(),
                )
            self.finish()
            ended = time.perf_counter()
            return dict(rolloutMs=1000 * (sampled - started), updateMs=1000 * (ended - sampled))

        return run, rows * response


def optimize(model, optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def report(peer, options, name, case):
    run, tokens = case
    times, parts = [], []
    for _ in range(options.repeats + 2):
        started = time.perf_counter()
        part = run()
        peer.finish()
        times.append(1000 * (time.perf_counter() - started))
        parts.append(part)
    whole = statistics.median(times[2:])
    on_gpu = options.device == "cuda"
    print(
        json.dumps(
            dict(
                what=name,
                size=options.size,
                batch=peer.shape.B,
                torch=torch.__version__,
                device=torch.cuda.get_device_name() if on_gpu else f"cpu, {options.threads} threads",
                dtype=options.dtype,
                compiled=options.compile,
                medianMs=round(whole, 2),
                **{key: round(statistics.median(p[key] for p in parts[2:]), 2) for key in parts[0]},
                tokensPerSecond=round(tokens / whole * 1000),
            )
        ),
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["step", "ppo", "generation"])
    parser.add_argument("--size", choices=list(SIZES), default="1m")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    peer = Peer(options)
    if options.what == "step":
        report(peer, options, "step", peer.steps())
    elif options.what == "ppo":
        report(peer, options, "ppo", peer.ppo())
    else:
        for batch in [options.batch] if options.batch else [1, 256]:
            report(peer, options, f"generation, batch {batch}", peer.generation(batch))


main()
