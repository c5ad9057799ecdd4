"""Loads a language model of Unrolled, as trained or as `unrolled export` wrote it, into PyTorch. Needs torch alone."""
import json

import torch
from torch import nn


def load(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
    c = json.loads(header.pop("__metadata__")["config"])
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    weights = {
        name: data[slice(*t["data_offsets"])].view(types[t["dtype"]]).reshape(t["shape"])
        for name, t in header.items()
        if name.startswith(("embedding.", "rnn.", "decoder."))  # A checkpoint has more.
    }
    weights.setdefault("decoder.weight", weights["embedding.weight"])  # Tied weights.
    layers = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[c["cell"]]
    projection = {"proj_size": c["projSize"]} if "projSize" in c else {}
    model = nn.ModuleDict({
        "embedding": nn.Embedding(c["vocabSize"], c["embeddingSize"]),
        "rnn": layers(c["embeddingSize"], c["hiddenSize"], c["numLayers"], **projection),
        "decoder": nn.Linear(c.get("projSize", c["hiddenSize"]), c["vocabSize"]),
    })
    model.load_state_dict(weights)
    return model.eval()


def logits(model, ids):  # [T, B] -> [T, B, vocabulary]
    return model["decoder"](model["rnn"](model["embedding"](ids))[0])
