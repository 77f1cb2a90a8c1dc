import { visible } from './visible.js'

export interface Piece {
  kind: 'plain' | 'name' | 'string' | 'word'
  text: string
}

/** A part ends with the first line after so much of it. */
const PART_CHARACTERS = 32_768
const FIRST_PIECES = 2_000
/** Where lines are so long, it ends within one. */
const MOST_CHARACTERS = 2 * PART_CHARACTERS
const SLICE_CHARACTERS = 4_096

/**
 * What a page can lay out at a time, of text that may have no end: the first part in pieces, the others plain. Nobody's
 * controls are left in it.
 */
export function* partsOf(pieces: Iterable<Piece>): Generator<Piece[]> {
  let part: Piece[] = []
  let length = 0
  let isFirst = true
  const isFull = () => length >= PART_CHARACTERS || part.length >= FIRST_PIECES
  const add = (kind: Piece['kind'], text: string) => {
    const last = part[part.length - 1]
    if (last?.kind === 'plain' && (kind === 'plain' || !isFirst)) last.text += text
    else if (text !== '') part.push({ kind: isFirst ? kind : 'plain', text })
    length += text.length
  }
  for (const { kind, text } of pieces) {
    for (let at = 0; at < text.length; ) {
      const end = endOfSlice(text, at)
      const slice = visible(text.slice(at, end))
      const line = isFull() ? slice.indexOf('\n') + 1 : 0
      add(kind, slice.slice(0, line))
      if (line > 0 || length >= MOST_CHARACTERS) {
        yield part
        part = []
        length = 0
        isFirst = false
      }
      add(kind, slice.slice(line))
      at = end
    }
  }
  if (part.length > 0) yield part
}

export function* plainText(text: string): Generator<Piece> {
  yield { kind: 'plain', text }
}

/** Never within a character, or a line break. */
function endOfSlice(text: string, at: number): number {
  const end = at + SLICE_CHARACTERS
  if (end >= text.length) return text.length
  return /^(?:[\ud800-\udbff][\udc00-\udfff]|\r\n)/.test(text.slice(end - 1, end + 1)) ? end + 1 : end
}
