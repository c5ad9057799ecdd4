"""PyTorch's side of compare.mjs.

check.py load MODEL IDS LOGITS: reads a model with load_unrolled.py and compares its logits with those in LOGITS.
check.py save DIRECTORY: makes one module a case, saves it with save_for_unrolled.py, and its logits as LOGITS.
ids: JSON [T][B]; logits: raw float32 [T, B, V]. Prints the largest relative error, or names and options, as JSON.
"""
import json
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "pytorch"))
from load_unrolled import load, logits as logits_of  # noqa: E402
from save_for_unrolled import save  # noqa: E402


class LanguageModel(nn.Module):
    """As one would write it without knowing of Unrolled."""

    def __init__(self, cell, vocab_size, embedding_size, hidden_size, num_layers, proj_size):
        super().__init__()
        options = {"proj_size": proj_size} if proj_size else {}
        layers = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.rnn = layers(embedding_size, hidden_size, num_layers, **options)
        self.decoder = nn.Linear(proj_size or hidden_size, vocab_size)

    def forward(self, ids):
        return self.decoder(self.rnn(self.embedding(ids))[0])


def check_load(model, ids, logits):
    with torch.no_grad():
        got = logits_of(load(model), torch.tensor(json.loads(Path(ids).read_text())))
    expected = torch.frombuffer(bytearray(Path(logits).read_bytes()), dtype=torch.float32).reshape(got.shape)
    print(json.dumps(float((got - expected).abs().max() / got.abs().max())))


def make(directory):
    torch.manual_seed(5)
    vocab, cases = 29, []
    ids = torch.randint(vocab, (17, 3))
    for cell, layers, projection, dtype, tied in [
        ("rnn", 1, 0, "float32", False),
        ("gru", 2, 0, "float32", False),
        ("lstm", 1, 0, "float32", False),
        ("lstm", 3, 0, "float32", True),
        ("lstm", 2, 8, "float32", False),
        ("lstm", 1, 0, "float16", False),
        ("gru", 1, 0, "bfloat16", False),
    ]:
        model = LanguageModel(cell, vocab, 24 if tied else 12, 24, layers, projection)
        if tied:
            model.decoder.weight = model.embedding.weight
        state = {name: tensor.to(getattr(torch, dtype)) for name, tensor in model.state_dict().items()}
        model.load_state_dict(state)
        name = f"{cell}{layers}{'_proj' if projection else ''}{'_tied' if tied else ''}_{dtype}"
        save(state, f"{directory}/{name}.safetensors")
        with torch.no_grad():
            logits = model(ids)
        Path(directory, f"{name}.logits").write_bytes(logits.numpy().tobytes())
        cases.append(name)
    print(json.dumps({"cases": cases, "vocabSize": vocab, "ids": ids.tolist()}))


if __name__ == "__main__":
    {"load": check_load, "save": make}[sys.argv[1]](*sys.argv[2:])
