import { createHmac, randomBytes } from 'node:crypto'
import { ConfigurationError } from '../../errors.js'

/** What may be known of a secret without knowing it. */
export interface SecretTraits {
  /** It has fewer than {@link SHORT_SECRET_BYTES}: whoever sees one delivery can try to guess it. */
  readonly short: boolean
  /** Equal for equal secrets, in this process only. */
  readonly digest: string
}

/** What a generated secret has at least, in bytes. */
export const SHORT_SECRET_BYTES = 16

/** What stands where a secret was meant to: values of JavaScript as text, and words of examples. */
const STAND_IN =
  /^(undefined|null|nan|\[object \w+\]|(change|replace)[-_ ]?(me|this|it)|your[-_ ]?secret([-_ ]?here)?|\$\{.*\}|<.*>|…|\.\.\.)$/i

const PROCESS_KEY = randomBytes(32)

/**
 * @param what names it in the error's message
 * @throws {ConfigurationError} it is missing, blank, a single character or a word that stands for one
 */
export function traitsOf(secret: string | Uint8Array | undefined, what = 'a secret'): SecretTraits {
  // An environment variable that is not set comes as `undefined`, whatever its type says.
  const bytes = typeof secret === 'string' || secret instanceof Uint8Array ? Buffer.from(secret as Uint8Array) : EMPTY
  const text = bytes.toString().trim()
  if ([...text].length < 2 || STAND_IN.test(text.replace(/^whsec_/, ''))) {
    throw new ConfigurationError(
      `${what} must not be empty, blank, a single character, or a word like undefined, null or changeme`,
    )
  }
  return {
    short: bytes.length < SHORT_SECRET_BYTES,
    digest: createHmac('sha256', PROCESS_KEY).update(bytes).digest('base64'),
  }
}

const EMPTY = Buffer.alloc(0)
