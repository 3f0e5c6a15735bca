"""One PPO iteration of the preset `standard` in PyTorch, for `limr bench --suite ppo` to be held against.

    python scripts/peers/ppo_torch.py [threads] [repeats]

The arithmetic is the bench's: 64 prompts of 14 tokens, 8 samples each of 16 tokens by a KV cache, the
prompt prefilled once per group; log-probabilities of the frozen reference and values; GAE; four
minibatches of clipped policy and value losses, each with gradient clipping and AdamW. Sequences are
whole in training, as in PyTorch trainers: a prompt is computed once per sample there. No response ends
early, as nearly none does with random weights.
"""

import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

PROMPTS, SAMPLES, PROMPT, RESPONSE = 64, 8, 14, 16
C, LAYERS, HEADS, INNER, VOCAB = 64, 2, 4, 172, 19
D, ROWS, TEMPERATURE = C // HEADS, PROMPTS * SAMPLES, 1.2


def parameter(*shape):
    return torch.nn.Parameter(torch.randn(*shape) * 0.08)


class Trunk(torch.nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.embedding = parameter(VOCAB, C)
        self.layers = torch.nn.ModuleList(
            torch.nn.ParameterDict(
                dict(
                    norm1=torch.nn.Parameter(torch.ones(C)),
                    qkv=parameter(3 * C, C),
                    out=parameter(C, C),
                    norm2=torch.nn.Parameter(torch.ones(C)),
                    gate_up=parameter(2 * INNER, C),
                    down=parameter(C, INNER),
                )
            )
            for _ in range(LAYERS)
        )
        self.norm = torch.nn.Parameter(torch.ones(C))
        # The policy's head is tied; the critic's is a row of its own.
        self.head = parameter(1, C) if outputs == 1 else None
        angles = torch.outer(
            torch.arange(PROMPT + RESPONSE).float(), 10_000.0 ** (-torch.arange(D // 2) / (D // 2))
        )
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def rotate(self, x, at):
        cos, sin = self.cos[at : at + x.shape[2]], self.sin[at : at + x.shape[2]]
        a, b = x[..., : D // 2], x[..., D // 2 :]
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

    def forward(self, ids, cache=None, at=0):
        rows, length = ids.shape
        x = self.embedding[ids]
        for i, layer in enumerate(self.layers):
            z = F.rms_norm(x, (C,), layer["norm1"])
            q, k, v = (z @ layer["qkv"].t()).view(rows, length, 3, HEADS, D).permute(2, 0, 3, 1, 4)
            q, k = self.rotate(q, at), self.rotate(k, at)
            if cache is not None:
                keys, values = cache[i]
                keys[:, :, at : at + length], values[:, :, at : at + length] = k, v
                k, v = keys[:, :, : at + length], values[:, :, : at + length]
            y = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
            x = x + y.transpose(1, 2).reshape(rows, length, C) @ layer["out"].t()
            z = F.rms_norm(x, (C,), layer["norm2"])
            gate, up = (z @ layer["gate_up"].t()).chunk(2, -1)
            x = x + (F.silu(gate) * up) @ layer["down"].t()
        head = self.embedding if self.head is None else self.head
        return F.rms_norm(x, (C,), self.norm) @ head.t()


def caches(rows):
    shape = (rows, HEADS, PROMPT + RESPONSE, D)
    return [(torch.zeros(shape), torch.zeros(shape)) for _ in range(LAYERS)]


def log_probs(policy, ids):
    logits = policy(ids[:, :-1])[:, PROMPT - 1 :] / TEMPERATURE
    return logits.log_softmax(-1).gather(-1, ids[:, PROMPT:, None])[..., 0]


@torch.no_grad()
def rollout(policy, prompts):
    prefilled = caches(PROMPTS)
    logits = policy(prompts, prefilled)[:, -1]
    cache = [(k.repeat_interleave(SAMPLES, 0), v.repeat_interleave(SAMPLES, 0)) for k, v in prefilled]
    logits = logits.repeat_interleave(SAMPLES, 0)
    ids, chosen = [prompts.repeat_interleave(SAMPLES, 0)], []
    for t in range(RESPONSE):
        scores = (logits / TEMPERATURE).log_softmax(-1)
        token = torch.multinomial(scores.exp(), 1)
        ids.append(token)
        chosen.append(scores.gather(-1, token))
        if t < RESPONSE - 1:
            logits = policy(token, cache, PROMPT + t)[:, -1]
    return torch.cat(ids, 1), torch.cat(chosen, 1)


@torch.no_grad()
def advantages(reward, old, reference, values):
    rewards = -0.01 * (old - reference)
    rewards[:, -1] += reward
    found, running = torch.zeros_like(values), torch.zeros(ROWS)
    for t in reversed(range(RESPONSE)):
        after = values[:, t + 1] if t < RESPONSE - 1 else 0.0
        running = rewards[:, t] + after - values[:, t] + 0.95 * running
        found[:, t] = running
    returns = found + values
    return (found - found.mean()) / (found.std() + 1e-8), returns


def iterate(policy, critic, reference, actor_step, critic_step, prompts):
    started = time.perf_counter()
    ids, old = rollout(policy, prompts)
    sampled = time.perf_counter()
    with torch.no_grad():
        base = log_probs(reference, ids)
        values = critic(ids[:, :-1])[:, PROMPT - 1 :, 0]
    advantage, returns = advantages(torch.rand(ROWS) - 0.5, old, base, values)
    for rows in torch.randperm(ROWS).chunk(4):
        ratio = (log_probs(policy, ids[rows]) - old[rows]).exp()
        clipped = ratio.clamp(0.8, 1.2)
        loss = -torch.min(ratio * advantage[rows], clipped * advantage[rows]).mean()
        optimize(policy, actor_step, loss)
        value = critic(ids[rows, :-1])[:, PROMPT - 1 :, 0]
        near = values[rows] + (value - values[rows]).clamp(-0.2, 0.2)
        target = returns[rows]
        loss = 0.5 * torch.max((value - target) ** 2, (near - target) ** 2).mean()
        optimize(critic, critic_step, loss)
    ended = time.perf_counter()
    return [1000 * (ended - started), 1000 * (sampled - started), 1000 * (ended - sampled)]


def optimize(model, step, loss):
    step.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    step.step()


def main():
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    policy, critic, reference = Trunk(VOCAB), Trunk(1), Trunk(VOCAB)
    reference.load_state_dict(policy.state_dict())
    steps = [
        torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0)
        for model, rate in ((policy, 3e-4), (critic, 1e-3))
    ]
    prompts = torch.randint(0, VOCAB, (PROMPTS, PROMPT))
    times = [iterate(policy, critic, reference, *steps, prompts) for _ in range(repeats + 2)][2:]
    whole, sampling, update = (statistics.median(part) for part in zip(*times))
    print(
        json.dumps(
            dict(
                torch=torch.__version__,
                threads=threads,
                medianMs=round(whole, 1),
                rolloutMs=round(sampling, 1),
                updateMs=round(update, 1),
                tokensPerSecond=round(ROWS * RESPONSE / whole * 1000),
            )
        )
    )


main()
