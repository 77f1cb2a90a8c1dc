const TOKENS = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g

export interface Piece {
  kind: 'plain' | 'name' | 'string' | 'word'
  text: string
}

/**
 * JSON on lines of its own, every token as it was sent: numbers keep their digits, names that stand twice stay.
 * `undefined`: it is no JSON.
 */
export function indentJson(text: string): Piece[] | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  const tokens = text.match(TOKENS)!
  const pieces: Piece[] = []
  let depth = 0
  const plain = (text: string) => {
    const last = pieces.at(-1)
    if (last?.kind === 'plain') last.text += text
    else pieces.push({ kind: 'plain', text })
  }
  const newLine = () => plain(`\n${'  '.repeat(depth)}`)
  tokens.forEach((token, i) => {
    switch (token) {
      case '{':
      case '[':
        plain(token)
        if (isEnd(tokens[i + 1])) break
        depth++
        newLine()
        break
      case '}':
      case ']':
        if (!isStart(tokens[i - 1])) {
          depth--
          newLine()
        }
        plain(token)
        break
      case ',':
        plain(token)
        newLine()
        break
      case ':':
        plain(': ')
        break
      default:
        pieces.push({ kind: kindOf(token, tokens[i + 1]), text: token })
    }
  })
  return pieces
}

const isStart = (token: string | undefined) => token === '{' || token === '['
const isEnd = (token: string | undefined) => token === '}' || token === ']'

function kindOf(token: string, next: string | undefined): Piece['kind'] {
  if (!token.startsWith('"')) return 'word'
  return next === ':' ? 'name' : 'string'
}
