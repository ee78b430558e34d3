"""Captions word by word in PyTorch, with the state of torchscale's encoder.

usage: generate.py FOLDER THREADS, where FOLDER has config.json, model.safetensors (the backbone and
mlm_head), pixels.safetensors and steps.json: by case the words and parents of every step. A run is
the first call, or all steps after it from its state.
"""

import json
import sys
from pathlib import Path

import torch
from official import about, encoder, load, read_config
from safetensors.torch import load_file
from serve import serve
from torch import nn

# Candidates for each beam.
TOP = 3


class Captioning(nn.Module):
    """The official captioning model: a word is predicted at `<mask>`, the second of two tokens."""

    def __init__(self, config):
        super().__init__()
        self.beit3 = encoder(config)
        self.mlm_head = nn.Linear(config["dim"], config["vocabularySize"])

    def forward(self, image, ids, length, state):
        image_length = self.beit3.vision_embed.num_position_embeddings()
        total = image_length + length
        hidden = torch.ones(total, total, dtype=torch.long).triu(1)
        hidden[:image_length, :image_length] = 0
        positions = None
        padding = torch.zeros_like(ids)
        if image is None:
            hidden = hidden[-2:]
            padding = None
            positions = torch.arange(length, length + 2).unsqueeze(0)
        encoded = self.beit3(
            textual_tokens=ids,
            visual_tokens=image,
            text_padding_position=padding,
            attn_mask=hidden,
            incremental_state=state,
            positions=positions,
        )["encoder_out"]
        return self.mlm_head(encoded if image is None else encoded[:, image_length:])


def main(folder, threads):
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    config = read_config(folder)
    model = load(Captioning(config), folder).eval()
    pixels = load_file(Path(folder) / "pixels.safetensors")["pixels"]
    steps = json.loads((Path(folder) / "steps.json").read_text())
    cases = {}
    for name, case in steps["cases"].items():
        first = first_call(model, pixels, case["beams"], steps)
        cases[f"{name}/first"] = lambda first=first: {"logProbs": first()[0]}
        cases[f"{name}/steps"] = all_steps(model, first, case, steps)
    serve(about(), cases)


def first_call(model, pixels, beams, steps):
    def run():
        with torch.inference_mode():
            state = {layer: {} for layer in range(len(model.beit3.encoder.layers))}
            ids = torch.tensor([[steps["begin"], steps["mask"]]] * beams)
            logits = model(pixels.expand(beams, -1, -1, -1), ids, 2, state)
            return best(logits, beams), state

    return run


def all_steps(model, first, case, steps):
    begun = []

    def run():
        if not begun:  # in the warm-up
            begun.append(first()[1])
        state = begun[0]
        found = []
        with torch.inference_mode():
            for at, step in enumerate(case["steps"]):
                state = moved(state, torch.tensor(step["parents"]))
                ids = torch.tensor([[word, steps["mask"]] for word in step["words"]])
                logits = model(None, ids, at + 3, state)
                found.append(best(logits, case["beams"]))
        return {"logProbs": torch.cat(found)}

    return run


def best(logits, beams):
    scores = torch.log_softmax(logits[:, 1], dim=-1)
    return torch.topk(scores.view(-1), TOP * beams).values


def moved(state, parents):
    """The state of the texts that go on, without the entry of `<mask>`."""
    return {
        layer: {
            name: value.index_select(0, parents)[:, :, :-1] for name, value in entries.items()
        }
        for layer, entries in state.items()
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
