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

/** The signed content, in parts that are concatenated. */
export type Content = readonly (string | Uint8Array)[]

/** One key that a sender may have signed with. */
export interface SigningKey {
  /** Absent for the key of a pair. */
  readonly secret?: SecretTraits
  /** Returns a check of signatures, as they are in a header, over the content. */
  over(content: Content): (signature: string) => boolean
  /** The signature over the content, as it is in a header. @throws {ConfigurationError} the key can only verify */
  sign(content: Content): string
}

/** The encoding of a signature. */
export interface SignatureForm {
  encoding: 'hex' | 'base64'
  /** E.g. `sha256=`. Default: none. */
  prefix?: string
}

/** Compares in constant time; only the lengths show in it. */
export function equalText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/**
 * HMAC (RFC 2104). `secret`: bytes, or a string whose UTF-8 is the key. Only the canonical encoding of a signature is
 * accepted.
 *
 * @throws {ConfigurationError} the secret is missing, blank, a single character or a placeholder
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

/** A hash over the secret and the content. It is not an HMAC: its input can be extended. */
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
 * A token that is sent with the delivery. It authenticates the sender and not the content. `proof`: the secret part of
 * the token; default: all of it. The sender's `secretHeaders` must have the token's header.
 */
export function tokenKey(token: string, proof = token): SigningKey {
  return { secret: traitsOf(proof), over: () => signature => equalText(signature, token), sign: () => token }
}

/** The DER prefix of a raw Ed25519 key (RFC 8410 §4, §7). */
const ED25519_PUBLIC = Buffer.from('302a300506032b6570032100', 'hex')
const ED25519_PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * Ed25519 (RFC 8032). A public key of 32 bytes verifies; one of 64 bytes (seed and public key) signs too.
 *
 * @throws {ConfigurationError} the key has another length
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
 * @throws {ConfigurationError} the key is neither of the two, or not on the curve P-256
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
        // Only the canonical encoding is accepted.
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

/** SHA-256 over the parts, each preceded by its length, so that different lists have different digests. */
export function digestOf(parts: Content): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    // In UTF-8, all lone surrogates become the same bytes.
    const lone = typeof part === 'string' && !part.isWellFormed()
    const bytes = lone ? Buffer.from(part, 'utf16le') : part
    hash.update(`${Buffer.byteLength(bytes)}${lone ? ';' : ':'}`).update(bytes)
  }
  return hash.digest('base64url')
}
