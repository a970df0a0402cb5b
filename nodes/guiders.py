"""Nodes that say how a model is guided."""

from typing import Annotated, Literal

from engine.api import Conditioning, Guider, Model, Number, deferred, node

with deferred():
    from engine.diffusion import guidance

Cfg = Annotated[float, Number(0.0, 100.0, step=0.1, round=0.01)]

CATEGORY = "sampling/custom_sampling/guiders"


@node(CATEGORY, id="BasicGuider", title="BasicGuider")
def basic_guider(model: Model, conditioning: Conditioning) -> Guider:
    """Follow one prompt, without guidance."""
    return guidance.BasicGuider(model, conditioning)


@node(CATEGORY, id="CFGGuider", title="CFGGuider")
def cfg_guider(model: Model, positive: Conditioning, negative: Conditioning, cfg: Cfg = 8.0) -> Guider:
    """Follow one prompt and avoid another, by classifier-free guidance."""
    return guidance.CfgGuider(model, positive, negative, cfg)


@node(CATEGORY, id="DualCFGGuider", title="DualCFGGuider")
def dual_cfg_guider(
    model: Model,
    cond1: Conditioning,
    cond2: Conditioning,
    negative: Conditioning,
    cfg_conds: Cfg = 8.0,
    cfg_cond2_negative: Cfg = 8.0,
    *,
    style: Literal["regular", "nested"],
) -> Guider:
    """Guide from a negative prompt to a second one, and from that to the first, each with its own scale."""
    return guidance.DualCfgGuider(model, cond1, cond2, negative, cfg_conds, cfg_cond2_negative, style)


@node("_for_testing", id="PerpNegGuider", experimental=True)
def perp_neg_guider(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    empty_conditioning: Conditioning,
    cfg: Cfg = 8.0,
    neg_scale: Annotated[float, Number(0.0, 100.0, step=0.01)] = 1.0,
) -> Guider:
    """Avoid only what the negative prompt does not share with the positive one."""
    return guidance.PerpNegGuider(model, positive, negative, empty_conditioning, cfg, neg_scale)
