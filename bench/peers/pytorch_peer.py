"""PyTorch on as many threads as the last argument says. Speaks the protocol of peer.mjs: a workload as a line of JSON in, its times as one out."""

import json
import sys
import time

before_import = time.perf_counter()
import numpy as np
import torch

torch.set_num_threads(int(sys.argv[-1]))
torch.set_num_interop_threads(1)

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}
MASK = 0xFFFFFFFF


def noise(shape, seed, scale=1.0):
    """The numbers of noise() in data.mjs."""
    i = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
    x = (((i + np.uint64(seed * 0x1000193 & MASK)) & np.uint64(MASK)) * np.uint64(0x9E3779B1)) & np.uint64(MASK)
    # JavaScript's x ^ (x >>> 16) and the multiplication that follows wrap at 32 bits alike.
    x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & np.uint64(MASK)
    x = x ^ (x >> np.uint64(13))
    values = (x.astype(np.float64) / 2**31 - 1).astype(np.float32).astype(np.float64) * float(np.float32(scale))
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def tokens(count, vocab_size):
    x = (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B1)) & np.uint64(MASK)
    ids = ((x ^ (x >> np.uint64(15))) >> np.uint64(8)) % np.uint64(vocab_size)
    return torch.from_numpy(ids.astype(np.int64))


def load_layer(rnn, seed):
    for layer in range(rnn.num_layers):
        for i, name in enumerate(["weight_ih", "weight_hh", "bias_ih", "bias_hh"]):
            parameter = getattr(rnn, f"{name}_l{layer}")
            parameter.data.copy_(noise(parameter.shape, seed + 4 * layer + i, rnn.hidden_size**-0.5))


class Model(torch.nn.Module):
    def __init__(self, w):
        super().__init__()
        self.embedding = torch.nn.Embedding(w["vocabSize"], w["embeddingSize"])
        self.rnn = LAYERS[w["cell"]](w["embeddingSize"], w["hiddenSize"], w["numLayers"])
        self.decoder = torch.nn.Linear(w["hiddenSize"], w["vocabSize"])
        scale = w["hiddenSize"] ** -0.5
        self.embedding.weight.data.copy_(noise(self.embedding.weight.shape, 1))
        load_layer(self.rnn, 10)
        self.decoder.weight.data.copy_(noise(self.decoder.weight.shape, 2, scale))
        self.decoder.bias.data.copy_(noise(self.decoder.bias.shape, 3, scale))

    def forward(self, ids, state=None):
        output, state = self.rnn(self.embedding(ids), state)
        return self.decoder(output), state


def train(w):
    model = Model(w)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    text = tokens(w["steps"] * w["batchSize"] + 1, w["vocabSize"])
    ids, targets = text[:-1].view(w["steps"], w["batchSize"]), text[1:]

    def run():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(ids)[0].view(-1, w["vocabSize"]), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return [loss.item()]

    return run


def generate(w):
    model = Model(w).eval()

    @torch.no_grad()
    def run():
        ids, state = [], None
        token = torch.zeros(1, 1, dtype=torch.long)
        for _ in range(w["length"]):
            logits, state = model(token, state)
            token = logits[-1].argmax(-1, keepdim=True)
            ids.append(token.item())
        return ids

    return run


def forward(w):
    lstm = torch.nn.LSTM(w["inputSize"], w["hiddenSize"]).eval()
    load_layer(lstm, 10)
    x = noise((w["steps"], w["batchSize"], w["inputSize"]), 1)

    @torch.no_grad()
    def run():
        return lstm(x)[0]

    return run


def gemm(w):
    a, b = noise((w["m"], w["k"]), 1), noise((w["k"], w["n"]), 2)
    return lambda: a @ b


def unary(w):
    x, operation = noise((w["count"],), 1, 8.0), getattr(torch, w["operation"])
    return lambda: operation(x)


def values(result):
    """As a flat list of numbers, every 997th of many, as peer.mjs takes them."""
    flat = torch.as_tensor(result).flatten().tolist()
    return flat if len(flat) <= 1000 else flat[::997]


def measure(run, timing):
    """Milliseconds of a call, one number a sample."""
    calls, samples, total = 1, [], 0.0
    while not samples or total < timing["total"]:
        start = time.perf_counter()
        for _ in range(calls):
            run()
        elapsed = (time.perf_counter() - start) * 1000
        if elapsed < timing["sample"]:
            calls = max(calls + 1, int(calls * timing["sample"] * 1.2 / max(elapsed, 1e-3)) + 1)
            continue
        samples.append(elapsed / calls)
        total += elapsed
    return samples


def name():
    """With a word where matmuls are in the C library's plain loops: some packages of PyTorch leave the choice open."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    version = f"PyTorch {torch.__version__.split('+')[0]}"
    try:
        with open("/proc/self/maps") as maps:
            return version + (" (reference BLAS)" if "/blas/libblas.so" in maps.read() else "")
    except OSError:
        return version


KINDS = {"train": train, "generate": generate, "forward": forward, "gemm": gemm, "unary": unary}
imported = (time.perf_counter() - before_import) * 1000
print(json.dumps({"name": name(), "kinds": list(KINDS), "imported": imported}), flush=True)
run, key = None, None
for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {}
        if key != request["key"]:
            start = time.perf_counter()
            key, run = request["key"], KINDS[request["workload"]["kind"]](request["workload"])
            result = run()
            reply["first"] = (time.perf_counter() - start) * 1000
            reply["check"] = values(result)
            if request["workload"]["kind"] == "train":
                reply["check"] += values(run())
            while (time.perf_counter() - start) * 1000 < request["timing"]["warmUp"]:
                run()
        reply["samples"] = measure(run, request["timing"])
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
