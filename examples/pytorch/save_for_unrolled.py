"""Saves the state dict of a PyTorch module as safetensors, for `unrolled import`. Needs torch and numpy alone.

Where the package safetensors is installed, `safetensors.torch.save_file(module.state_dict(), path)` does the same.
"""
import json

import torch


def save(state_dict, path):
    names = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    header, data = {}, b""
    for name, tensor in state_dict.items():
        raw = tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)
