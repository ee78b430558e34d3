"""BEiT-3's encoder in PyTorch: eager and compiled, and its export to ONNX.

usage: inference.py FOLDER THREADS, where FOLDER has config.json, model.safetensors and
inputs.safetensors with `{case}.pixels` [B, 3, H, W] and, where there is text, `{case}.ids` [B, T].
"""

import sys
from pathlib import Path

import torch
import torch._inductor.config
from official import Encoder, about, load, read_config
from safetensors.torch import load_file
from serve import serve


def main(folder, threads):
    torch.set_num_threads(threads)
    # Weights are constants of the compiled function, stored as its products like them best.
    torch._inductor.config.freezing = True
    torch.set_grad_enabled(False)
    model = load(Encoder(read_config(folder)), folder).eval()
    inputs = load_file(Path(folder) / "inputs.safetensors")
    names = list(dict.fromkeys(name.split(".")[0] for name in inputs))
    cases = {}
    for name in names:
        given = [inputs[f"{name}.pixels"]]
        if f"{name}.ids" in inputs:
            given.append(inputs[f"{name}.ids"].long())
        compiled = torch.compile(model, dynamic=False)
        cases[f"{name}/eager"] = runner(model, given)
        cases[f"{name}/compiled"] = runner(compiled, given)
        cases[f"{name}/export"] = exporter(model, given, f"{folder}/{name}.onnx")
    serve(about(), cases)


def runner(model, given):
    def run():
        with torch.inference_mode():
            return {"sequence": model(*given)}

    return run


def exporter(model, given, path):
    """The official model as ONNX, made by PyTorch's own exporter for exactly these shapes."""

    def run():
        names = ["pixels", "ids"][: len(given)]
        torch.onnx.export(
            model,
            tuple(given),
            path,
            dynamo=True,
            external_data=True,
            input_names=names,
            output_names=["sequence"],
        )
        return {}

    return run


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
