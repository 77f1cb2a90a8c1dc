import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { ConfigurationError } from '../../errors.js'
import { type SecretTraits, traitsOf } from './secrets.js'

/** What is signed: its parts, one after the other. */
export type Content = readonly (string | Uint8Array)[]

/** One key that a sender may have signed with. */
export interface SigningKey {
  /** Absent where it is the half of a pair. */
  readonly secret?: SecretTraits
  /** What tells whether a signature, as it stands in a header, is this key's over the content. */
  over(content: Content): (signature: string) => boolean
  /** This key's signature over the content, as it stands in a header. @throws {ConfigurationError} it can only verify */
  sign(content: Content): string
}

/** How a signature is written. */
export interface SignatureForm {
  encoding: 'hex' | 'base64'
  /** What stands before it, e.g. `sha256=`. Default: nothing. */
  prefix?: string
}

/** Compares in a time that tells nothing but the lengths. */
export function equalText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/**
 * HMAC (RFC 2104). `secret`: its text is the key, or bytes. Only the canonical form of a signature is accepted.
 *
 * @throws {ConfigurationError} it is missing, blank or a single character
 */
export function hmacKey(
  secret: string | Uint8Array,
  { algorithm, encoding, prefix = '' }: SignatureForm & { algorithm: 'sha1' | 'sha256' | 'sha512' },
): SigningKey {
  const traits = traitsOf(secret)
  const key = createSecretKey(Buffer.from(secret as Uint8Array))
  const mac = (content: Content): string => {
    const hmac = createHmac(algorithm, key)
    for (const part of content) hmac.update(part)
    return prefix + hmac.digest(encoding)
  }
  return {
    secret: traits,
    over(content) {
      const expected = mac(content)
      return signature => equalText(signature, expected)
    },
    sign: mac,
  }
}

/** A hash with the secret among what is hashed, as some had it before HMAC. */
export function hashKey(secret: string, { algorithm }: { algorithm: 'sha256' }): SigningKey {
  const traits = traitsOf(secret)
  const digest = (content: Content): string => {
    const hash = createHash(algorithm).update(secret)
    for (const part of content) hash.update(part)
    return hash.digest('hex')
  }
  return {
    secret: traits,
    over(content) {
      const expected = digest(content)
      return signature => equalText(signature, expected)
    },
    sign: digest,
  }
}

/**
 * A secret that is sent as it is: it says who sends, and nothing of what is sent. `proof`: the part of it that nobody
 * else knows; default: all of it. The sender's `secretHeaders` must name the header that it stands in.
 */
export function tokenKey(token: string, proof = token): SigningKey {
  return { secret: traitsOf(proof), over: () => signature => equalText(signature, token), sign: () => token }
}

/** DER in front of a raw Ed25519 key (RFC 8410 §4, §7). */
const ED25519_PUBLIC = Buffer.from('302a300506032b6570032100', 'hex')
const ED25519_PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * Ed25519 (RFC 8032). A public key of 32 bytes verifies; one of 64 bytes (seed and public key) signs too.
 *
 * @throws {ConfigurationError} of another length
 */
export function ed25519Key(raw: Uint8Array, form: SignatureForm): SigningKey {
  if (raw.length !== 32 && raw.length !== 64) {
    throw new ConfigurationError(`an Ed25519 key has 32 bytes (public) or 64 (private), not ${raw.length}`)
  }
  const der = Buffer.concat([ED25519_PUBLIC, raw.subarray(-32)])
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const privateKey =
    raw.length === 64
      ? createPrivateKey({
          key: Buffer.concat([ED25519_PRIVATE, raw.subarray(0, 32)]),
          format: 'der',
          type: 'pkcs8',
        })
      : undefined
  return asymmetricKey(publicKey, privateKey, null, form)
}

/**
 * ECDSA with SHA-256, signatures in DER. `der`: a public key (SPKI) verifies, a private one (PKCS #8) signs too.
 *
 * @throws {ConfigurationError} neither of the two, or not on the curve P-256
 */
export function ecdsaKey(der: Uint8Array, form: SignatureForm): SigningKey {
  const given = parsed(der)
  const publicKey = given.type === 'private' ? createPublicKey(given) : given
  if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new ConfigurationError('an ECDSA key must be on the curve P-256')
  }
  return asymmetricKey(publicKey, given.type === 'private' ? given : undefined, 'sha256', form)
}

function parsed(der: Uint8Array): KeyObject {
  const key = Buffer.from(der)
  try {
    return createPublicKey({ key, format: 'der', type: 'spki' })
  } catch {
    try {
      return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
    } catch {
      throw new ConfigurationError('an ECDSA key must be DER: a public key (SPKI) or a private one (PKCS #8)')
    }
  }
}

function asymmetricKey(
  publicKey: KeyObject,
  privateKey: KeyObject | undefined,
  algorithm: 'sha256' | null,
  { encoding, prefix = '' }: SignatureForm,
): SigningKey {
  return {
    over(content) {
      const bytes = joined(content)
      return signature => {
        if (!signature.startsWith(prefix)) return false
        const text = signature.slice(prefix.length)
        const decoded = Buffer.from(text, encoding)
        // What does not come out as it went in was not in the sender's form.
        return decoded.toString(encoding) === text && verify(algorithm, bytes, publicKey, decoded)
      }
    },
    sign(content) {
      if (privateKey === undefined) throw new ConfigurationError('a public key verifies; to sign takes the private one')
      return prefix + sign(algorithm, joined(content), privateKey).toString(encoding)
    },
  }
}

const joined = (content: Content): Buffer => Buffer.concat(content.map(part => Buffer.from(part as Uint8Array)))

/** SHA-256 over the parts, each with its length in front, so that no two lists of parts digest alike. */
export function digestOf(parts: Content): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    // UTF-8 writes every lone surrogate alike.
    const lone = typeof part === 'string' && !part.isWellFormed()
    const bytes = lone ? Buffer.from(part, 'utf16le') : part
    hash.update(`${Buffer.byteLength(bytes)}${lone ? ';' : ':'}`).update(bytes)
  }
  return hash.digest('base64url')
}
