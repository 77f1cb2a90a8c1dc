import type { Limits } from '../engine/quota.js'
import { DEFAULT_TIMING, inRange, resolveTiming, TIMING_RULES, type Timing } from '../engine/timing.js'
import { InvalidKeyError } from '../errors.js'
import { Delivery, type DeliveryHead, isRaw } from '../http/delivery.js'
import { bodyFingerprint } from '../http/fingerprint.js'
import { keyOf } from '../http/idempotency-key.js'
import { problem } from '../http/problem.js'
import type { Answer, HandlerResponse } from '../http/response.js'
import { SHORT_SECRET_BYTES } from '../senders/primitives/secrets.js'
import type { Refusal, Sender } from '../senders/sender.js'
import { type Clock, systemClock } from '../util/clock.js'
import { aFlag, aFunction, aNumber, either, methods, oneOf, type Rules } from '../util/options.js'
import { labelOf } from './label.js'

/**
 * The rules of an endpoint. Durations are in milliseconds, sizes in bytes.
 *
 * With a sender the defaults are its own: results are kept for as long as it may deliver again, at least 7 days; a
 * duplicate waits less than its deadline; and no fingerprint is compared, for many senders' retries differ.
 */
export interface SourceSettings extends Partial<Timing> {
  /**
   * Who delivers. What it did not sign is answered 401; keys are read where it puts them and nowhere else. Default:
   * anybody, with a key header of the standards' (`X-Idempotency-Key`, `Idempotency-Key`, `webhook-id`).
   */
  sender?: Sender
  /** Answer 400 to a delivery without a key instead of processing it every time. Default `false`; with a sender always. */
  keyRequired?: boolean
  /** What must be equal for two deliveries to be one operation: the raw `body` (default), `none`, or a digest of your own. */
  fingerprint?: 'body' | 'none' | ((delivery: Delivery) => string)
  /** Which responses are final and recorded. Default: status 200 to 299. All others give the key back. */
  recordable?: (response: HandlerResponse) => boolean
  /** Default 1 MiB. */
  maxBodyBytes?: number
  /** Default 1 MiB. Of larger responses status and headers are recorded, the body is not. */
  maxResponseBytes?: number
  /**
   * How many records the source may keep, about: a delivery with a new key is then answered 507, while what is recorded is
   * answered as ever. 0 or `Infinity`: as many as come. Default 10 million.
   */
  maxRecords?: number
  /** As {@link maxRecords}, of the bytes of keys, results and deliveries. Default 10 GiB; of a memory store 512 MiB. */
  maxStoredBytes?: number
}

export const SOURCE_RULES: Rules = {
  ...TIMING_RULES,
  sender: methods('a sender, e.g. stripe({ secrets: [secret] }) of hookonce/senders/stripe', ['verify', 'key']),
  keyRequired: aFlag,
  fingerprint: either(oneOf('body', 'none'), aFunction),
  recordable: aFunction,
  maxBodyBytes: aNumber,
  maxResponseBytes: aNumber,
  maxRecords: aNumber,
  maxStoredBytes: aNumber,
}

export interface ResolvedSettings extends Required<Omit<SourceSettings, keyof Timing | keyof Limits | 'sender'>> {
  sender: Sender | undefined
  limits: Partial<Limits>
  timing: Timing
}

/** @throws {ConfigurationError} */
export function resolveSettings(options: SourceSettings): ResolvedSettings {
  const { sender, recordable = isSuccess } = options
  const { keyRequired = sender !== undefined, fingerprint = sender ? 'none' : 'body' } = options
  const { maxBodyBytes = 1_048_576, maxResponseBytes = 1_048_576 } = options
  inRange('maxBodyBytes', maxBodyBytes, 0, Number.MAX_SAFE_INTEGER)
  inRange('maxResponseBytes', maxResponseBytes, 0, Number.MAX_SAFE_INTEGER)
  const limits = limitsOf(options)
  const timing = resolveTiming(options, sender && timingOf(sender))
  if (sender) {
    warnOfShortRetention(sender, timing.retentionMs)
    warnOfShortSecret(sender)
  }
  return { sender, keyRequired, fingerprint, recordable, maxBodyBytes, maxResponseBytes, limits, timing }
}

function limitsOf({ maxRecords, maxStoredBytes }: SourceSettings): Partial<Limits> {
  const given = Object.entries({ maxRecords, maxStoredBytes }).filter(([, most]) => most !== undefined)
  for (const [name, most] of given) inRange(name, most!, 0, Number.POSITIVE_INFINITY)
  return Object.fromEntries(given)
}

/** Long enough for what comes again by hand after a week-end, where the sender does not say how long. */
const LEAST_RETENTION_MS = 7 * 86_400_000

/** The timing of a source with this sender, where nothing else is said. */
export function timingOf({ facts: { deadlineMs, retryHorizonMs } }: Sender): Readonly<Timing> {
  return {
    ...DEFAULT_TIMING,
    retentionMs: Math.max(retryHorizonMs ?? 0, LEAST_RETENTION_MS),
    // The answer must be on its way before the sender gives up.
    waitMs: Math.min(DEFAULT_TIMING.waitMs, (deadlineMs ?? Number.POSITIVE_INFINITY) * 0.8),
  }
}

const isSuccess = ({ status }: HandlerResponse): boolean => status >= 200 && status <= 299

/** What a delivery that may go on is known by. */
export interface Names {
  key: string | null
  label: string | null
  fingerprint: string | null
}

/** A delivery's names, or what its sender is told instead. */
export type Taken = { refusal: Answer } | Names

function warnOfShortRetention({ facts, toleranceMs = 0 }: Sender, retentionMs: number): void {
  const { title, retryHorizonMs } = facts
  const warn = (why: string) =>
    process.emitWarning(`results are kept for ${duration(retentionMs)}, and ${why}`, {
      type: 'HookonceWarning',
      code: 'HOOKONCE_RETENTION',
    })
  if (retentionMs < (retryHorizonMs ?? 0)) {
    warn(`${title} may deliver an event again for ${duration(retryHorizonMs!)}: what comes later runs again`)
  }
  if (retentionMs < toleranceMs) {
    warn(
      `a signature of ${title} is taken for ${duration(toleranceMs)}: a captured delivery can be run again in between`,
    )
  }
}

function duration(ms: number): string {
  const [size, unit] = ms < 3_600_000 ? [60_000, 'min'] : [3_600_000, 'h']
  return `${Number((ms / size).toPrecision(3))} ${unit}`
}

const warnedOf = new WeakSet<Sender>()

/** Once for a sender, however many sources have it. */
function warnOfShortSecret(sender: Sender): void {
  if (warnedOf.has(sender) || !sender.secretTraits?.some(({ short }) => short)) return
  warnedOf.add(sender)
  process.emitWarning(
    `a secret of ${sender.facts.title} has fewer than ${SHORT_SECRET_BYTES} bytes: whoever sees one delivery can try to ` +
      'guess it; take a generated one (openssl rand -hex 32)',
    { type: 'HookonceWarning', code: 'HOOKONCE_SHORT_SECRET' },
  )
}

/** More no honest sender has; HTTP servers drop those beyond a number of their own (Node: 1,000) without a word. */
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

/** What is looked at before the store is asked, in this order: header fields, size, sender, handshake, key, fingerprint. */
export function createIntake(settings: ResolvedSettings, clock: Clock = systemClock) {
  const { sender, keyRequired, fingerprint, maxBodyBytes } = settings
  const readKey = sender === undefined ? keyOf : (delivery: Delivery) => sender.key(delivery)
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

    /** What the head alone is refused for. Where the body counts too, `take` decides. */
    refusal(head: DeliveryHead): Answer | undefined {
      const { method, headers } = head
      if (isRaw(headers) && headers.length > 2 * MAX_HEADER_FIELDS) return tooManyFields()
      if (!sender?.provenByHeaders || sender.unsignedHandshake || isSafe(method)) return undefined
      const refusal = sender.verify(new Delivery({ ...head, body: NO_BODY }), clock.now())
      return refusal === null ? undefined : unauthentic(refusal)
    },

    take(delivery: Delivery): Taken {
      if (delivery.headerFields > MAX_HEADER_FIELDS) return { refusal: tooManyFields() }
      if (delivery.body.length > maxBodyBytes) return { refusal: tooLarge() }
      const first = sender && admit(sender, delivery, clock.now())
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

/** What a sender's delivery is answered before anything else, if that is all there is to it. */
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
