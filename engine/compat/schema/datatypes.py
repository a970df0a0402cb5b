"""The V3 types of data on links. Each is a name; the values are described where `engine.api` or packs use them."""

from engine.compat.schema.sockets import IoType


class Image(IoType):
    """(batch, height, width, channel) float32 in 0..1."""


class Mask(IoType):
    """(batch, height, width) float32 in 0..1; 1 is selected."""


class Latent(IoType):
    """A dict: samples (B, C, h, w), and noise_mask, batch_index where set."""


class Conditioning(IoType):
    """A list of [tokens (B, T, dim), settings]."""


class Sampler(IoType):
    """A sampler with its options."""


class Sigmas(IoType):
    """(steps + 1,) float32, descending."""


class Noise(IoType):
    """A source of noise with its seed."""


class Guider(IoType):
    """What guides a sampler from step to step."""


class Clip(IoType):
    """A text encoder."""


class ControlNet(IoType):
    """A control network."""


class Vae(IoType):
    """An autoencoder between pixels and latents."""


class Model(IoType):
    """A diffusion model."""


class ClipVision(IoType):
    """An image encoder."""


class ClipVisionOutput(IoType):
    """What an image encoder saw."""


class StyleModel(IoType):
    """A style model."""


class Gligen(IoType):
    """A grounding model."""


class UpscaleModel(IoType):
    """A network that enlarges images."""


class Audio(IoType):
    """A dict: waveform (B, channels, T), sample_rate in Hz."""


class Video(IoType):
    """An object with get_components and save_to."""


class SVG(IoType):
    """Vector graphics."""


class LoraModel(IoType):
    """The tensors of a low-rank adapter."""


class LossMap(IoType):
    """A dict: loss, a list of tensors."""


class Voxel(IoType):
    """A volume."""


class Mesh(IoType):
    """A surface."""


class Hooks(IoType):
    """A group of hooks."""


class HookKeyframes(IoType):
    """When hooks act."""


class TimestepsRange(IoType):
    """(start, end) in 0..1."""


class LatentOperation(IoType):
    """A function from latents to latents."""


class Photomaker(IoType):
    """A photomaker model."""


class Webcam(IoType):
    """A picture from a camera."""


class AudioEncoder(IoType):
    """An audio encoder."""


class AudioEncoderOutput(IoType):
    """What an audio encoder heard."""


class WanCameraEmbedding(IoType):
    """Camera positions for a video model."""


class Load3D(IoType):
    """A loaded scene."""


class Load3DAnimation(IoType):
    """A loaded moving scene."""


class Load3DCamera(IoType, io_type="LOAD3D_CAMERA"):
    """The camera of a loaded scene."""


class FlowControl(IoType):
    """The link from the opening node of a loop to its closing node."""


class Accumulation(IoType):
    """Values gathered by a loop."""


class Point(IoType):
    """A point."""


class FaceAnalysis(IoType):
    """A face analyser."""


class BBOX(IoType):
    """A box in an image."""


class SEGS(IoType):
    """Segments of an image."""


class ModelPatch(IoType):
    """Weights that change a model."""
