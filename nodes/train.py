"""Nodes that make models: a fresh one of any size, its autoencoder trained, and the model itself trained."""

import json
from typing import Annotated, Literal, NamedTuple

from engine.api import Clip, Dataset, Image, Model, Named, Number, Option, Tip, Vae, deferred, node
from engine.training.inputs import (
    Accumulate,
    Average,
    Batch,
    ClipNorm,
    Compile,
    Minutes,
    Precision,
    PreviewEvery,
    Rate,
    Resume,
    SaveMinutes,
    SeedInput,
    Steps,
    WarmUp,
    whole_numbers,
)

with deferred():
    from engine.diffusion import vae as vaes
    from engine.diffusion.text import clip as clips
    from engine.training import denoising, new_model, pictures, previews, recipe, stores
    from engine.training import vae as vae_training

Widths = Annotated[str, Tip("Channels of each level, from fine to coarse: multiples of 32, with commas.")]


class Fresh(NamedTuple):
    model: Model
    clip: Clip
    vae: Vae


class TrainedVae(NamedTuple):
    vae: Vae
    curve: Annotated[Image, Named("curve")]
    summary: Annotated[str, Named("summary")]


class TrainedModel(NamedTuple):
    model: Model
    clip: Clip
    curve: Annotated[Image, Named("curve")]
    summary: Annotated[str, Named("summary")]


@node("training", id="NewModel", title="New Model")
def new_sd_model(
    unet_widths: Widths = "64, 128, 256",
    unet_depths: Annotated[str, Tip("Transformers behind each block of a level, from fine to coarse.")] = "1, 1, 0",
    unet_blocks: Annotated[int, Number(1, 8)] = 1,
    vae_widths: Widths = "96, 64, 128, 128",
    vae_blocks: Annotated[int, Number(1, 8)] = 1,
    text_width: Annotated[int, Number(8, 4096, step=8)] = 128,
    text_layers: Annotated[int, Number(1, 12)] = 4,
    seed: SeedInput = 0,
    learned_variance: Annotated[
        bool, Option(advanced=True), Tip("Further channels for the variance of DDPM's steps (Nichol & Dhariwal 2021).")
    ] = False,
) -> Fresh:
    """Make a model of the SD 1.x kind that has learnt nothing yet, of any size, with a text encoder and a VAE."""
    sizes = new_model.Sizes(
        unet_widths=whole_numbers("unet_widths", unet_widths),
        unet_blocks=unet_blocks,
        unet_depths=whole_numbers("unet_depths", unet_depths),
        vae_widths=whole_numbers("vae_widths", vae_widths),
        vae_blocks=vae_blocks,
        text_width=text_width,
        text_layers=text_layers,
        learned_variance=learned_variance,
    )
    made = new_model.new_model(sizes, seed)
    return Fresh(made.model, clips.required(made.clip), vaes.present(made.vae))


@node("training", id="TrainVAE", title="Train VAE")
def train_vae(
    vae: Vae,
    dataset: Dataset,
    steps: Steps = 2000,
    minutes: Minutes = 0.0,
    batch: Batch = 16,
    rate: Rate = 1e-3,
    seed: SeedInput = 0,
    crop: Annotated[int, Number(0, 4096, step=8), Tip("Train on squares of this side; 0: whole pictures.")] = 64,
    loss: Literal["l1", "mse"] = "l1",
    edges: Annotated[float, Number(0, 100, step=0.1), Tip("Weight of the difference of edges.")] = 0.5,
    kl: Annotated[float, Number(0, 1, step=1e-6, round=1e-9), Tip("Weight that holds latents together.")] = 1e-6,
    average: Average = 0.995,
    precision: Precision = "auto",
    compile: Compile = False,
    checkpoint: Resume = "",
    accumulate: Accumulate = 1,
    warm_up: WarmUp = 50,
    clip_norm: ClipNorm = 1.0,
    preview_every: PreviewEvery = 100,
    save_minutes: SaveMinutes = 5.0,
) -> TrainedVae:
    """Train a VAE to give pictures back, and scale its latents as SD 1.x expects; the one given stays as it is."""
    run = recipe.Recipe(
        steps=steps,
        batch=batch,
        rate=rate,
        minutes=minutes,
        warm_up=warm_up,
        clip=clip_norm,
        accumulate=accumulate,
        average=average,
        precision=precision,
        compiled=compile,
        seed=seed,
        preview_every=preview_every,
        save_minutes=save_minutes,
    )
    drawn = pictures.draw_all(dataset)
    losses = vae_training.Losses(loss, edges, kl)
    made = vae_training.train_vae(vaes.present(vae), drawn, run, losses, crop, stores.path_of(checkpoint))
    return TrainedVae(
        made.vae, previews.as_tensor(made.run.shown), json.dumps(stores.summary(made.run, psnr=round(made.psnr, 2)))
    )


@node("training", id="TrainDiffusion", title="Train Diffusion Model")
def train_diffusion(
    model: Model,
    clip: Clip,
    vae: Vae,
    dataset: Dataset,
    steps: Steps = 2000,
    minutes: Minutes = 0.0,
    batch: Batch = 32,
    rate: Rate = 5e-4,
    seed: SeedInput = 0,
    train_text: Annotated[bool, Tip("Train the text encoder too, or leave it as it is.")] = True,
    target: Annotated[
        Literal["as the model", "epsilon", "v", "x0"], Tip("What the network puts out; files of SD 1.x say epsilon.")
    ] = "as the model",
    times: Annotated[Literal["uniform", "logit-normal"], Tip("Which levels of noise are drawn most.")] = "uniform",
    min_snr: Annotated[float, Number(0, 1000, step=0.5), Tip("Gamma of min-SNR weights; 0: none.")] = 5.0,
    dropped_captions: Annotated[float, Number(0, 1, step=0.01), Tip("Share of captions left out, for CFG.")] = 0.1,
    flips: Annotated[bool, Tip("Mirrored pictures too: only where captions name no sides.")] = False,
    average: Average = 0.999,
    precision: Precision = "auto",
    compile: Compile = False,
    checkpoint: Resume = "",
    accumulate: Accumulate = 1,
    warm_up: WarmUp = 100,
    clip_norm: ClipNorm = 1.0,
    preview_every: PreviewEvery = 100,
    save_minutes: SaveMinutes = 5.0,
    variance_weight: Annotated[
        float,
        Number(0, 100, step=0.001, round=1e-6),
        Option(advanced=True),
        Tip("Of the bound that teaches variances, for models that have channels for them; 0: none."),
    ] = 0.001,
) -> TrainedModel:
    """Train a model to denoise the latents of a dataset as its captions say; the ones given stay as they are."""
    run = recipe.Recipe(
        steps=steps,
        batch=batch,
        rate=rate,
        minutes=minutes,
        warm_up=warm_up,
        clip=clip_norm,
        accumulate=accumulate,
        average=average,
        precision=precision,
        compiled=compile,
        seed=seed,
        preview_every=preview_every,
        save_minutes=save_minutes,
    )
    objective = denoising.Objective(target, times, min_snr, dropped_captions, train_text, flips, variance_weight)
    drawn = pictures.draw_all(dataset)
    made = denoising.train_denoising(
        model, clips.required(clip), vaes.present(vae), drawn, run, objective, stores.path_of(checkpoint)
    )
    return TrainedModel(made.model, made.clip, previews.as_tensor(made.run.shown), json.dumps(stores.summary(made.run)))
