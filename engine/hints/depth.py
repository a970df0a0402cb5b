"""Networks that see depth and normals: MiDaS, Zoe, LeReS and BAE."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.device import place
from engine.hints.annotators import Weights
from engine.hints.detectors import Detector, sized
from engine.hints.library import module
from engine.hints.networks import network

MIDAS = Weights("dpt_hybrid-midas-501f0c75.pt")
LEAST_BOOSTED = 160  # pixels of the longer side: below, the library finds no size for its second look
ZOE = Weights("ZoeD_M12_N.pt")
LERES = Weights("res101.pth")
LERES_MERGE = Weights("latest_net_G.pth")
NORMALS = Weights("scannet.pt")


def midas(a: float, background: float, *, is_normal: bool = False) -> Detector:
    """Depth by MiDaS, bright is near; or the normals of it, `a` being how deep a depth of 1 is, without background."""
    found = network(MIDAS, _midas, "MiDaS")
    detector = module("midas").MidasDetector(found)
    seen = sized(detector, a=a, bg_th=background, depth_and_normal=is_normal)
    return Detector("MiDaS", (found,), (lambda picture: seen(picture)[1]) if is_normal else seen)


def zoe() -> Detector:
    """Metric depth by ZoeDepth, spread over the greys; bright is near."""
    found = network(ZOE, _zoe, "Zoe")
    return Detector("Zoe", (found,), sized(module("zoe").ZoeDetector(found)))


def leres(nearest: float, background: float, *, is_boosted: bool) -> Detector:
    """Depth by LeReS without the nearest and the furthest, in percent; boosted it is merged from several looks."""
    found = network(LERES, _leres, "LeReS")
    merge = network(LERES_MERGE, _leres_merge, "LeReS with boost") if is_boosted else None
    merger = _merger(merge) if merge is not None else None
    detector = module("leres").LeresDetector(found, merger)
    networks = (found,) if merge is None else (found, merge)
    seen = sized(detector, thr_a=nearest, thr_b=background, boost=is_boosted)

    def detect(picture: np.ndarray) -> np.ndarray:
        if is_boosted and max(picture.shape) < LEAST_BOOSTED:
            size = f"{picture.shape[1]} x {picture.shape[0]}"
            msg = f"LeReS with boost needs {LEAST_BOOSTED} pixels on one side, not {size}: raise resolution"
            raise ValueError(msg)
        return seen(picture)

    return Detector("LeReS", networks, detect)


def normals() -> Detector:
    """Normals by NormalBae, trained on ScanNet."""
    found = network(NORMALS, _normals, "BAE")
    return Detector("BAE", (found,), sized(module("normalbae").NormalBaeDetector(found)))


def _midas() -> Any:
    return module("midas.midas.dpt_depth").DPTDepthModel(path=None, backbone="vitb_rn50_384", non_negative=True)


def _zoe() -> Any:
    library = module("zoe")
    return library.ZoeDepth.build_from_config(library.get_config("zoedepth", "infer"))


def _leres() -> Any:
    module("leres.leres.depthmap")  # its words are kept from standard output
    return module("leres").RelDepthModel(backbone="resnext101")


def _leres_merge() -> Any:
    make = module("leres.pix2pix.models.networks").define_G
    return make(2, 1, 64, "unet_1024", "none", False, "normal", 0.02, [])


def _merger(merge: Any) -> Any:
    """The library's wrapping of the network that merges looks; its own reading of options would take ours."""
    kind = module("leres.pix2pix.models.pix2pix4depth_model").Pix2Pix4DepthModel
    options = SimpleNamespace(gpu_ids=[], isTrain=False, checkpoints_dir="", name="", preprocess="scale_width")
    made = object.__new__(kind)
    module("leres.pix2pix.models.base_model").BaseModel.__init__(made, options)
    made.visual_names, made.netG, made.device = ["fake_B"], merge, place.current().device
    return made


def _normals() -> Any:
    module("normalbae.nets.submodules.encoder")  # its words are kept from standard output
    how = SimpleNamespace(
        mode="client", architecture="BN", pretrained="scannet", sampling_ratio=0.4, importance_ratio=0.7
    )
    return module("normalbae").NNET(how)
