import { InvalidKeyError } from '../errors.js'
import { Delivery, type DeliveryHead, isRaw } from '../http/delivery.js'
import { bodyFingerprint } from '../http/fingerprint.js'
import { keyOf } from '../http/idempotency-key.js'
import { problem } from '../http/problem.js'
import type { Answer } from '../http/response.js'
import type { Refusal, Sender } from '../senders/sender.js'
import { type Clock, systemClock } from '../util/clock.js'
import { labelOf } from './label.js'
import type { ResolvedOptions } from './source-options.js'

/** The names of a delivery's record. */
export interface Names {
  key: string | null
  label: string | null
  fingerprint: string | null
}

/** A delivery's names, or the answer that rejects it. */
export type Checked = { refusal: Answer } | Names

/** HTTP servers silently drop fields beyond a limit of their own (Node: 1,000), and no honest sender has so many. */
export const MAX_HEADER_FIELDS = 200

const NO_BODY = new Uint8Array()

const UNAUTHENTIC: Record<Refusal, string> = {
  signature_missing: 'There is no signature, or not in the form of this sender.',
  signature_wrong: 'The signature is not of this content and a secret that is known here.',
  signatures_too_many: 'There are more signatures than an honest sender has.',
  timestamp_missing: 'There is no timestamp, or not in the form of this sender.',
  timestamp_old: 'The timestamp is too far in the past.',
  timestamp_new: 'The timestamp is too far in the future.',
}

/**
 * The checks before the first call of the store, in order: header fields, size, sender, handshake, key, fingerprint.
 */
export function createChecks(settings: ResolvedOptions, clock: Clock = systemClock) {
  const { sender, keyed, keyRequired, fingerprint, maxBodyBytes } = settings
  const readKey = !keyed ? () => null : sender === undefined ? keyOf : (delivery: Delivery) => sender.key(delivery)
  const digest =
    fingerprint === 'body'
      ? (delivery: Delivery) => bodyFingerprint(delivery.body)
      : fingerprint === 'none'
        ? () => null
        : fingerprint

  const tooLarge = (): Answer =>
    problem('body_too_large', { detail: `At most ${maxBodyBytes} bytes are accepted.`, outcome: 'invalid' })

  const tooManyFields = (): Answer =>
    problem('headers_too_large', {
      detail: `At most ${MAX_HEADER_FIELDS} header fields are accepted.`,
      outcome: 'invalid',
    })

  return {
    tooLarge,

    /** Rejects a delivery by its head. Checks that need the body are in `check`. */
    refusal(head: DeliveryHead): Answer | undefined {
      const { method, headers } = head
      if (isRaw(headers) && headers.length > 2 * MAX_HEADER_FIELDS) return tooManyFields()
      if (!sender?.provenByHeaders || sender.unsignedHandshake || isSafe(method)) return undefined
      const refusal = sender.verify(new Delivery({ ...head, body: NO_BODY }), clock.now())
      return refusal === null ? undefined : unauthentic(refusal)
    },

    /** @param trusted neither its signature nor its being a handshake is checked */
    check(delivery: Delivery, trusted?: boolean): Checked {
      if (delivery.headerFields > MAX_HEADER_FIELDS) return { refusal: tooManyFields() }
      if (delivery.body.length > maxBodyBytes) return { refusal: tooLarge() }
      const first = sender && !trusted && admit(sender, delivery, clock.now())
      if (first) return { refusal: first }
      let key: string | null
      try {
        key = readKey(delivery)
      } catch (error) {
        if (!(error instanceof InvalidKeyError)) throw error
        return { refusal: problem('key_invalid', { detail: error.message, outcome: 'invalid' }) }
      }
      const label = labelOf(sender, delivery, key)
      if (key !== null) return { key, label, fingerprint: digest(delivery) }
      if (!keyRequired) return { key, label, fingerprint: null }
      const detail = sender ? `Here the key is ${sender.facts.key}.` : 'Send X-Idempotency-Key or Idempotency-Key.'
      return { refusal: problem('key_missing', { detail, outcome: 'invalid' }) }
    },
  }
}

/** The answer to a delivery that the sender's rules reject, or to a handshake. */
function admit(sender: Sender, delivery: Delivery, now: number): Answer | undefined {
  const unsigned = sender.unsignedHandshake?.(delivery)
  if (unsigned) return { ...unsigned, outcome: unsigned.status < 400 ? 'handshake' : 'unauthorized' }
  if (isSafe(delivery.method)) {
    const answer = problem('method_not_allowed', { detail: 'Events are delivered by POST.', outcome: 'invalid' })
    return { ...answer, headers: [...answer.headers, ['allow', 'POST']] }
  }
  const refusal = sender.verify(delivery, now)
  if (refusal !== null) return unauthentic(refusal)
  const answer = sender.handshake?.(delivery)
  return answer ? { ...answer, outcome: 'handshake' } : undefined
}

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD'

const unauthentic = (refusal: Refusal): Answer =>
  problem('signature_invalid', { detail: UNAUTHENTIC[refusal], outcome: 'unauthorized' })
