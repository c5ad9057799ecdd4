"""Loads a language model of Unrolled, as trained or as `unrolled export` wrote it, into PyTorch. Needs torch alone."""
import json

import torch
from torch import nn


class LanguageModel(nn.Module):
    def __init__(self, cell, vocab_size, embedding_size, hidden_size, num_layers=1, proj_size=0):
        super().__init__()
        layers = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        options = {"proj_size": proj_size} if proj_size else {}
        self.rnn = layers(embedding_size, hidden_size, num_layers, **options)
        self.decoder = nn.Linear(proj_size or hidden_size, vocab_size)

    def forward(self, ids, state=None):  # ids [T, B]
        output, state = self.rnn(self.embedding(ids), state)
        return self.decoder(output), state


def load(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    c = json.loads(header.pop("__metadata__")["config"])
    tensors = {}
    for name, info in header.items():
        if name.split(".")[0] in ("embedding", "rnn", "decoder"):  # A checkpoint has more.
            flat = torch.frombuffer(data, dtype=torch.uint8)[slice(*info["data_offsets"])]
            tensors[name] = flat.view(types[info["dtype"]]).reshape(info["shape"])
    tensors.setdefault("decoder.weight", tensors["embedding.weight"])  # Tied weights.
    sizes = (c["vocabSize"], c["embeddingSize"], c["hiddenSize"], c["numLayers"], c.get("projSize", 0))
    model = LanguageModel(c["cell"], *sizes)
    model.load_state_dict(tensors)
    return model.eval()
