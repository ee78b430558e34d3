"""A step of masked data modelling on pairs in PyTorch: loss, gradients, clipping, AdamW.

usage: train_step.py FOLDER THREADS, where FOLDER has config.json, model.safetensors (the backbone,
mlm_head and mim_head), batch.safetensors and step.json (learning rate and the like). Every run of a
case is one step on the same batch, from where the case's last run ended.
"""

import json
import sys
from copy import deepcopy
from pathlib import Path

import torch
from official import about, encoder, load, read_config
from safetensors.torch import load_file
from serve import serve
from torch import nn
from torch.nn import functional as F

# What the project's recipes exempt from weight decay besides biases and norms.
NO_DECAY = {"beit3.encoder.embed_positions.A.weight", "beit3.vision_embed.cls_token"}


class MaskedDataModelling(nn.Module):
    """Mean cross entropy over the masked words plus that over the masked patches."""

    def __init__(self, config, codes):
        super().__init__()
        self.beit3 = encoder(config)
        self.mlm_head = nn.Linear(config["dim"], config["vocabularySize"])
        self.mim_head = nn.Linear(config["dim"], codes)

    def forward(self, batch):
        sequence = self.beit3(
            textual_tokens=batch["ids"],
            visual_tokens=batch["pixels"],
            vision_masked_position=batch["image_mask"],
        )["encoder_out"]
        text = batch["ids"].shape[1]
        patches = sequence[:, 1:-text].flatten(0, 1)
        words = sequence[:, -text:].flatten(0, 1)
        word_logits = self.mlm_head(words[batch["word_positions"]])
        patch_logits = self.mim_head(patches[batch["patch_positions"]])
        return F.cross_entropy(word_logits, batch["word_labels"]) + F.cross_entropy(
            patch_logits, batch["patch_labels"]
        )


def main(folder, threads):
    torch.set_num_threads(threads)
    recipe = json.loads((Path(folder) / "step.json").read_text())
    batch = load_file(Path(folder) / "batch.safetensors")
    batch = {n: t.long() if t.dtype == torch.int32 else t for n, t in batch.items()}
    model = load(MaskedDataModelling(read_config(folder), recipe["codes"]), folder).train()
    cases = {
        "eager": stepper(model, lambda function: function, batch, recipe),
        "compiled": stepper(deepcopy(model), torch.compile, batch, recipe),
    }
    serve(about(), cases)


def stepper(model, prepare, batch, recipe):
    loss_of = prepare(model)
    optimizer = torch.optim.AdamW(
        groups(model, recipe["weightDecay"]),
        lr=recipe["lr"],
        betas=(recipe["beta1"], recipe["beta2"]),
        eps=recipe["epsilon"],
        fused=True,
    )

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(batch)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), recipe["maxGradientNorm"], foreach=True)
        optimizer.step()
        # Reading them is part of a step: a loop that looks at neither is blind.
        return {"loss": torch.tensor(loss.item()), "norm": torch.tensor(norm.item())}

    return run


def groups(model, weight_decay):
    decayed, others = [], []
    for name, parameter in model.named_parameters():
        exempt = parameter.ndim == 1 or name.endswith(".bias") or name in NO_DECAY
        (others if exempt else decayed).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
