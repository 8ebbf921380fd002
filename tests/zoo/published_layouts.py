"""Small networks with random weights, under the names that published checkpoints give them."""

import torch


def compact(scale, shade=0.0, channels=3):
    """A RealESRGAN Compact network's weights that add ``shade``: its input enlarged, else zero.

    Keys and shapes: xinntao/Real-ESRGAN, realesrgan/archs/srvgg_arch.py.
    """
    out = channels * scale**2
    state = {"body.0.weight": torch.zeros(8, channels, 3, 3), "body.0.bias": torch.zeros(8)}
    state |= {"body.1.weight": torch.zeros(8)}
    state |= {"body.2.weight": torch.zeros(8, 8, 3, 3), "body.2.bias": torch.zeros(8)}
    state |= {"body.3.weight": torch.zeros(8)}
    state |= {
        "body.4.weight": torch.zeros(out, 8, 3, 3),
        "body.4.bias": torch.full((out,), shade),
    }
    return state


def seeded(build):
    """What ``build`` returns when torch's generator stands at 0; it is put back after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


def restoreformer():
    """A narrow RestoreFormer: 0.5 million weights instead of 73, the same names."""
    from spandrel.architectures.RestoreFormer import RestoreFormer

    return seeded(
        lambda: RestoreFormer(
            n_embed=16,
            embed_dim=32,
            ch=32,
            out_ch=3,
            ch_mult=(1, 1, 1, 1, 1, 1),
            num_res_blocks=1,
            attn_resolutions=(16,),
            in_channels=3,
            resolution=512,
            z_channels=32,
            double_z=False,
            enable_mid=True,
            head_size=8,
        )
    ).eval()


def gfpgan():
    """GFPGAN's clean architecture at its only size: 86 million weights."""
    from spandrel.architectures.GFPGAN import GFPGAN

    return seeded(GFPGAN).eval()


def codeformer():
    """A shallow CodeFormer: 68 million weights instead of 94, most of them in its two halves."""
    from spandrel_extra_arches.architectures.CodeFormer import CodeFormer

    return seeded(
        lambda: CodeFormer(
            dim_embd=32, n_layers=1, codebook_size=16, latent_size=256, connect_list=["32"]
        )
    ).eval()


def mixdehazenet():
    """A MixDehazeNet of one block a level."""
    from spandrel.architectures.MixDehazeNet import MixDehazeNet

    return seeded(
        lambda: MixDehazeNet(embed_dims=[8, 16, 32, 16, 8], depths=[1, 1, 1, 1, 1])
    ).eval()


def save(content, path):
    """Write a checkpoint by torch, or a state dict as safetensors, as the path's ending says."""
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(content, path)
    else:
        torch.save(content, path)
    return path
