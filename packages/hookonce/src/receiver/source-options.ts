import type { Limits } from '../engine/quota.js'
import { DEFAULT_TIMING, inRange, resolveTiming, TIMING_RULES, type Timing } from '../engine/timing.js'
import { ConfigurationError } from '../errors.js'
import type { Delivery } from '../http/delivery.js'
import type { HandlerResponse } from '../http/response.js'
import { SHORT_SECRET_BYTES } from '../senders/primitives/secrets.js'
import type { Sender } from '../senders/sender.js'
import { aFlag, aFunction, aNumber, either, methods, oneOf, type Rules } from '../util/options.js'
import { warn } from '../util/warn.js'

/**
 * The options of an endpoint. Durations are in milliseconds, sizes in bytes.
 *
 * A sender changes defaults: results are kept as long as it may redeliver, at least 7 days; a duplicate waits less than
 * its timeout; and no fingerprint is compared, because many senders' retries differ.
 */
export interface SourceSettings extends Partial<Timing> {
  /**
   * The provider that delivers. Deliveries that it has not signed are answered 401, and it defines where the key is.
   * Default: no verification; the key is in `X-Idempotency-Key`, `Idempotency-Key` or `webhook-id`.
   */
  sender?: Sender
  /**
   * Answer 400 to a delivery without a key instead of processing it every time. Default `false`, with a sender `true`.
   */
  keyRequired?: boolean
  /** `false`: keys are ignored, and every delivery runs. Default `true`. */
  keyed?: boolean
  /**
   * What a duplicate must have in common with the first delivery: the raw `body` (default), `none`, or your own digest.
   */
  fingerprint?: 'body' | 'none' | ((delivery: Delivery) => string)
  /** Which responses are final and recorded. Others fail the attempt. Default: status 200 to 299. */
  recordable?: (response: HandlerResponse) => boolean
  /** Default 1 MiB. */
  maxBodyBytes?: number
  /** Default 1 MiB. Larger responses are recorded without their body. */
  maxResponseBytes?: number
  /**
   * The approximate number of records that the source may keep. Beyond it, new keys are answered 507; recorded ones are
   * still answered. 0 or `Infinity`: no limit. Default 10 million.
   */
  maxRecords?: number
  /**
   * As {@link maxRecords}, for the bytes of keys, results and deliveries. Default 10 GiB, for a memory store 512 MiB.
   */
  maxStoredBytes?: number
}

export const SOURCE_RULES: Rules = {
  ...TIMING_RULES,
  sender: methods('a sender, e.g. stripe({ secrets: [secret] }) of hookonce/senders/stripe', ['verify', 'key']),
  keyRequired: aFlag,
  keyed: aFlag,
  fingerprint: either(oneOf('body', 'none'), aFunction),
  recordable: aFunction,
  maxBodyBytes: aNumber,
  maxResponseBytes: aNumber,
  maxRecords: aNumber,
  maxStoredBytes: aNumber,
}

export interface ResolvedOptions extends Required<Omit<SourceSettings, keyof Timing | keyof Limits | 'sender'>> {
  sender: Sender | undefined
  limits: Partial<Limits>
  timing: Timing
}

/** @throws {ConfigurationError} */
export function resolveOptions(options: SourceSettings): ResolvedOptions {
  const { sender, recordable = isSuccess } = options
  const { keyed = true, fingerprint = sender ? 'none' : 'body' } = options
  const { keyRequired = keyed && sender !== undefined } = options
  if (keyRequired && !keyed) throw new ConfigurationError('keyRequired must not be true where keyed is false')
  const { maxBodyBytes = 1_048_576, maxResponseBytes = 1_048_576 } = options
  inRange('maxBodyBytes', maxBodyBytes, 0, Number.MAX_SAFE_INTEGER)
  inRange('maxResponseBytes', maxResponseBytes, 0, Number.MAX_SAFE_INTEGER)
  const limits = limitsOf(options)
  const timing = resolveTiming(options, sender && timingOf(sender))
  if (sender) {
    warnOfShortRetention(sender, timing.retentionMs)
    warnOfShortSecret(sender)
  }
  return { sender, keyed, keyRequired, fingerprint, recordable, maxBodyBytes, maxResponseBytes, limits, timing }
}

function limitsOf({ maxRecords, maxStoredBytes }: SourceSettings): Partial<Limits> {
  const given = Object.entries({ maxRecords, maxStoredBytes }).filter(([, most]) => most !== undefined)
  for (const [name, most] of given) inRange(name, most!, 0, Number.POSITIVE_INFINITY)
  return Object.fromEntries(given)
}

/** Covers a redelivery by hand after a weekend, if the sender does not document a retry period. */
const MIN_RETENTION_MS = 7 * 86_400_000

/** The default timing of a source with this sender. */
export function timingOf({ facts: { deadlineMs, retryHorizonMs } }: Sender): Readonly<Timing> {
  return {
    ...DEFAULT_TIMING,
    retentionMs: Math.max(retryHorizonMs ?? 0, MIN_RETENTION_MS),
    // The answer must be sent before the sender's timeout.
    waitMs: Math.min(DEFAULT_TIMING.waitMs, (deadlineMs ?? Number.POSITIVE_INFINITY) * 0.8),
  }
}

const isSuccess = ({ status }: HandlerResponse): boolean => status >= 200 && status <= 299

function warnOfShortRetention({ facts, toleranceMs = 0 }: Sender, retentionMs: number): void {
  const { title, retryHorizonMs } = facts
  const warnThat = (why: string) => warn('RETENTION', `results are kept for ${duration(retentionMs)}, and ${why}`)
  if (retentionMs < (retryHorizonMs ?? 0)) {
    warnThat(`${title} may deliver an event again for ${duration(retryHorizonMs!)}: what comes later runs again`)
  }
  if (retentionMs < toleranceMs) {
    warnThat(
      `a signature of ${title} is taken for ${duration(toleranceMs)}: a captured delivery can be run again in between`,
    )
  }
}

function duration(ms: number): string {
  const [size, unit] = ms < 3_600_000 ? [60_000, 'min'] : [3_600_000, 'h']
  return `${Number((ms / size).toPrecision(3))} ${unit}`
}

const warnedOf = new WeakSet<Sender>()

/** Once per sender, not per source. */
function warnOfShortSecret(sender: Sender): void {
  if (warnedOf.has(sender) || !sender.secretTraits?.some(({ short }) => short)) return
  warnedOf.add(sender)
  warn(
    'SHORT_SECRET',
    `a secret of ${sender.facts.title} has fewer than ${SHORT_SECRET_BYTES} bytes: whoever sees one delivery can try to ` +
      'guess it; take a generated one (openssl rand -hex 32)',
  )
}
