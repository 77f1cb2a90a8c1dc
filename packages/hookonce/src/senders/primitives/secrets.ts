import { createHmac, randomBytes } from 'node:crypto'
import { ConfigurationError } from '../../errors.js'

/** What can be shown of a secret. */
export interface SecretTraits {
  /** It has fewer than {@link SHORT_SECRET_BYTES}: it can be guessed offline from one delivery. */
  readonly short: boolean
  /** Equal for equal secrets of one process. */
  readonly digest: string
}

/** A generated secret has at least as many bytes. */
export const SHORT_SECRET_BYTES = 16

/** Placeholders: JavaScript values as text, and words of examples. */
const STAND_IN =
  /^(undefined|null|nan|\[object \w+\]|(change|replace)[-_ ]?(me|this|it)|your[-_ ]?secret([-_ ]?here)?|\$\{.*\}|<.*>|…|\.\.\.)$/i

// Made when it is asked for: Cloudflare Workers forbid random values in the global scope, where senders are made.
let processKey: Buffer | undefined

/**
 * @param what the secret's name in the error's message
 * @throws {ConfigurationError} the secret is missing, blank, a single character or a placeholder
 */
export function traitsOf(secret: string | Uint8Array | undefined, what = 'a secret'): SecretTraits {
  // An environment variable that is not set is `undefined`, against its type.
  const bytes = typeof secret === 'string' || secret instanceof Uint8Array ? Buffer.from(secret as Uint8Array) : EMPTY
  const text = bytes.toString().trim()
  if ([...text].length < 2 || STAND_IN.test(text.replace(/^whsec_/, ''))) {
    throw new ConfigurationError(
      `${what} must not be empty, blank, a single character, or a word like undefined, null or changeme`,
    )
  }
  return {
    short: bytes.length < SHORT_SECRET_BYTES,
    get digest() {
      processKey ??= randomBytes(32)
      return createHmac('sha256', processKey).update(bytes).digest('base64')
    },
  }
}

const EMPTY = Buffer.alloc(0)
