"""The official BEiT-3 (torchscale), built from this project's config.json and parameters."""

import importlib.util
import json
import sys
import types
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

warnings.filterwarnings("ignore", message="Importing from timm.models.layers is deprecated")

if importlib.util.find_spec("fairscale") is None:
    # Activation checkpointing and sharding, which no model here asks for.
    stand_in = types.ModuleType("fairscale.nn")
    stand_in.checkpoint_wrapper = stand_in.wrap = None
    sys.modules["fairscale"] = types.ModuleType("fairscale")
    sys.modules["fairscale.nn"] = stand_in

from torchscale.architecture.config import EncoderConfig  # noqa: E402
from torchscale.model.BEiT3 import BEiT3  # noqa: E402


def encoder(config):
    """The backbone of a config.json."""
    if config["variant"] != "released":
        raise ValueError(f"torchscale has only the released variant, not {config['variant']}")
    return BEiT3(
        EncoderConfig(
            multiway=True,
            no_output_layer=True,
            img_size=config["imageSize"][0],
            patch_size=config["patchSize"],
            vocab_size=config["vocabularySize"],
            encoder_embed_dim=config["dim"],
            encoder_attention_heads=config["heads"],
            encoder_ffn_embed_dim=config["ffnDim"],
            encoder_layers=config["layers"],
            max_source_positions=config["maxTextPositions"],
            normalize_output=config["normalizeOutput"],
            drop_path_rate=config["dropPathRate"],
            layernorm_eps=config["layerNormEpsilon"],
        )
    )


class Encoder(nn.Module):
    """The backbone under its official name; gives the encoded sequence [B, N, D]."""

    def __init__(self, config):
        super().__init__()
        self.beit3 = encoder(config)

    def forward(self, pixels=None, ids=None):
        return self.beit3(textual_tokens=ids, visual_tokens=pixels)["encoder_out"]


def load(model, folder):
    """Every parameter by its official name, none missing and none left over."""
    model.load_state_dict(load_file(Path(folder) / "model.safetensors"), strict=True)
    return model


def read_config(folder):
    return json.loads((Path(folder) / "config.json").read_text())


def about():
    """What a reader must know of this side's speed."""
    blas = "MKL" if torch.backends.mkl.is_available() else "no MKL"
    instructions = torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {torch.get_num_threads()} threads, {blas}, {instructions}"
