import type { Given } from './environment.js'
import { StartError } from './start-error.js'

/** Forms that hold no comma and that nobody types by hand: keys of known senders, UUIDs, hex, base64. */
const GENERATED = [
  /^(v1,)?wh(sec|pk|sk)_[A-Za-z0-9+/=_-]+$/,
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  /^(?=.*\d)[0-9a-f]{16,}$/i,
  /^(?=.*\d[A-Za-z])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/=_-]{16,}$/,
]

/** The comma of `v1,whsec_…` is part of what the console shows. */
const COMMA = /(?<!(?:^|,)\s*v1(?=,whsec_)),/

/**
 * One or several secrets, each as long as it was given. In a file, and where there are several lines, every line is one.
 * On a single line commas divide only what cannot hold them.
 *
 * @throws {StartError} it cannot be told what is meant
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
  const oneALine = fromFile === true || /[\r\n]/.test(text)
  return lines.flatMap(line => {
    const parts = line
      .split(COMMA)
      .map(part => part.trim())
      .filter(part => part !== '')
    if (parts[0] === line) return [line]
    const areGenerated = parts.length > 0 && parts.every(part => GENERATED.some(form => form.test(part)))
    if (areGenerated === oneALine) throw new StartError(`${where}: ${areGenerated ? DIVIDED : UNDIVIDED}`)
    return oneALine ? [line] : parts
  })
}

const DIVIDED = 'there are secrets with a comma between them; here each has a line of its own'

const UNDIVIDED =
  'there is a comma, and whether it is part of a secret cannot be told; give it in a file (HOOKONCE_SECRET_FILE), one secret a line'
