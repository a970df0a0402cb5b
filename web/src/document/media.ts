/** What a file is shown as, by its name. */

export type Medium = "image" | "video" | "audio" | "other"

const ENDINGS: Readonly<Record<Exclude<Medium, "other">, RegExp>> = {
  image: /\.(png|apng|jpe?g|webp|gif|bmp|avif|svg|ico|tiff?)$/i,
  video: /\.(mp4|m4v|mov|webm|mkv|avi|ogv)$/i,
  audio: /\.(mp3|wav|flac|ogg|oga|opus|m4a|aac)$/i,
}

export function mediumOf(filename: string): Medium {
  return (["image", "video", "audio"] as const).find((each) => ENDINGS[each].test(filename)) ?? "other"
}

/** Whether a picture may move, so that a smaller copy of it would stand still. */
export function mayMove(filename: string): boolean {
  return /\.(gif|apng|webp)$/i.test(filename)
}
