/** Texts broken into lines, by about how wide their letters are: pictures are drawn where nothing can measure them. */

const WIDE = /[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u
const NARROW = /[ijl.,:;'|!()[\]\s]/

function widthOf(text: string, font: number): number {
  let sum = 0
  for (const letter of text) sum += WIDE.test(letter) ? 1 : NARROW.test(letter) ? 0.32 : /[A-Zmw]/.test(letter) ? 0.72 : 0.55
  return sum * font
}

/** The lines of a text in a field of a width; words that are longer than it are broken. */
export function linesOf(text: string, width: number, font: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = []
    let line = ""
    for (const word of paragraph.split(/(?<=\s)/)) {
      if (line !== "" && widthOf((line + word).trimEnd(), font) > width) {
        lines.push(line.trimEnd())
        line = ""
      }
      line += word
      while (widthOf(line.trimEnd(), font) > width && line.length > 1) {
        const letters = Array.from(line)
        let fits = 1
        while (fits < letters.length && widthOf(letters.slice(0, fits + 1).join(""), font) <= width) fits += 1
        if (fits === letters.length) break
        lines.push(letters.slice(0, fits).join(""))
        line = letters.slice(fits).join("")
      }
    }
    return [...lines, line.trimEnd()]
  })
}

/** A text that fits into a width: what is too long ends with three dots. */
export function fitted(text: string, width: number, font: number): string {
  if (widthOf(text, font) <= width) return text
  let short = Array.from(text)
  while (short.length > 0 && widthOf(`${short.join("")}…`, font) > width) short = short.slice(0, -1)
  return `${short.join("").trimEnd()}…`
}
