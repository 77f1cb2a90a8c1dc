const QUOTE = 0x22
const MINUS = 0x2d
const BACKSLASH = 0x5c

/**
 * Parses JSON with numbers as their text: as doubles, integers beyond 2^53 lose digits.
 *
 * @throws {SyntaxError} `text` is not JSON
 */
export function exactJson(text: string): unknown {
  // In valid JSON, a digit outside of strings belongs to a number.
  JSON.parse(text)
  return JSON.parse(withNumbersQuoted(text))
}

function withNumbersQuoted(json: string): string {
  let quoted = ''
  let copied = 0
  let at = 0
  while (at < json.length) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(json, at)
    } else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(json, at)
      quoted += `${json.slice(copied, at)}"${json.slice(at, end)}"`
      copied = at = end
    } else at++
  }
  return quoted + json.slice(copied)
}

/** @param at the index of the opening quote */
function endOfString(json: string, at: number): number {
  let end = at + 1
  while (json.charCodeAt(end) !== QUOTE) end += json.charCodeAt(end) === BACKSLASH ? 2 : 1
  return end + 1
}

function endOfNumber(json: string, at: number): number {
  let end = at + 1
  while (end < json.length && '0123456789.eE+-'.includes(json[end]!)) end++
  return end
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
