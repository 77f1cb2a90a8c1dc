import type { Given } from './environment.js'
import { StartError } from './start-error.js'

/** Forms of generated secrets without a comma: keys of known senders, UUIDs, hex, base64. */
const GENERATED = [
  /^(v1,)?wh(sec|pk|sk)_[A-Za-z0-9+/=_-]+$/,
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  /^(?=.*\d)[0-9a-f]{16,}$/i,
  /^(?=.*\d[A-Za-z])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/=_-]{16,}$/,
]

/** Not the comma of `v1,whsec_…`, which is part of the secret. */
const COMMA = /(?<!(?:^|,)\s*v1(?=,whsec_)),/

/**
 * One or several secrets. In a file, and in a value of several lines, each line is one. In a value of one line a comma
 * separates generated secrets only.
 *
 * @throws {StartError} it is ambiguous
 */
export function secretsOf({ where, fromFile }: Pick<Given, 'where' | 'fromFile'>, text: string): string[] {
  const lines = text.split(/\r?\n|\r/).filter(line => line !== '')
  for (const line of lines) {
    if (line !== line.trim()) {
      throw new StartError(
        `${where}: a secret begins or ends with a blank, which cannot be told from a slip; remove it`,
      )
    }
  }
  const onePerLine = fromFile === true || /[\r\n]/.test(text)
  return lines.flatMap(line => {
    const parts = line
      .split(COMMA)
      .map(part => part.trim())
      .filter(part => part !== '')
    if (parts[0] === line) return [line]
    const areGenerated = parts.length > 0 && parts.every(part => GENERATED.some(form => form.test(part)))
    if (areGenerated === onePerLine) throw new StartError(`${where}: ${areGenerated ? DIVIDED : UNDIVIDED}`)
    return onePerLine ? [line] : parts
  })
}

const DIVIDED = 'there are secrets with a comma between them; here each has a line of its own'

const UNDIVIDED =
  'there is a comma, and whether it is part of a secret cannot be told; give it in a file (HOOKONCE_SECRET_FILE), one secret a line'
