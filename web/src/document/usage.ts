/** Which types are used most, by counts over public workflows: what is likely wanted is offered first. */

const MOST_USED = [
  ...["VAEDecode", "KSampler", "SaveImage", "CLIPTextEncode", "LoadImage", "CheckpointLoaderSimple", "EmptyLatentImage", "PreviewImage"],
  ...["VAEEncode", "LoraLoader", "LoraLoaderModelOnly", "VAELoader", "UNETLoader", "CLIPLoader", "DualCLIPLoader", "ControlNetApplyAdvanced"],
  ...["ControlNetLoader", "KSamplerSelect", "SamplerCustomAdvanced", "RandomNoise", "CFGGuider", "BasicGuider", "BasicScheduler"],
  ...["UpscaleModelLoader", "ImageUpscaleWithModel", "ImageScale", "ImageScaleToTotalPixels", "ImageScaleBy", "LatentUpscale"],
  ...["LatentUpscaleBy", "VAEEncodeForInpaint", "InpaintModelConditioning", "SetLatentNoiseMask", "ImagePadForOutpaint", "LoadImageMask"],
  ...["KSamplerAdvanced", "CLIPSetLastLayer", "ConditioningZeroOut", "ConditioningCombine", "ConditioningSetMask", "GetImageSize"],
  ...["PreviewAny", "StringConcatenate", "PrimitiveInt", "PrimitiveFloat", "PrimitiveStringMultiline", "ModelSamplingSD3", "FreeU_V2"],
]

const places = new Map(MOST_USED.map((type, at) => [type, at]))

/** From 0, for the type that is used most, to 1, for all that are used seldom. */
export function rarity(type: string): number {
  return (places.get(type) ?? MOST_USED.length) / MOST_USED.length
}
