import type { Piece } from './body-parts.js'

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Levels beyond stand where this one does: each would be wider than the page. */
const MOST_INDENTED = 32

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * JSON on lines of its own, every token as it was sent: numbers keep their digits, names that stand twice stay. Made as
 * it is asked for, and without recursion, however deep it is.
 */
export function* indentJson(json: string): Generator<Piece> {
  let depth = 0
  const newLine = () => `\n${'  '.repeat(Math.min(depth, MOST_INDENTED))}`
  let before: string | undefined
  for (const [token, after] of withNext(json)) {
    switch (token) {
      case '{':
      case '[':
        if (!isEnd(after)) depth++
        yield { kind: 'plain', text: isEnd(after) ? token : token + newLine() }
        break
      case '}':
      case ']':
        if (!isStart(before)) depth--
        yield { kind: 'plain', text: isStart(before) ? token : newLine() + token }
        break
      case ',':
        yield { kind: 'plain', text: token + newLine() }
        break
      case ':':
        yield { kind: 'plain', text: ': ' }
        break
      default:
        yield { kind: kindOf(token, after), text: token }
    }
    before = token
  }
}

function* withNext(json: string): Generator<[token: string, after: string | undefined]> {
  let token: string | undefined
  for (const [next] of json.matchAll(TOKEN)) {
    if (token !== undefined) yield [token, next]
    token = next
  }
  if (token !== undefined) yield [token, undefined]
}

const isStart = (token: string | undefined) => token === '{' || token === '['
const isEnd = (token: string | undefined) => token === '}' || token === ']'

function kindOf(token: string, after: string | undefined): Piece['kind'] {
  if (!token.startsWith('"')) return 'word'
  return after === ':' ? 'name' : 'string'
}
