import type { Delivery } from './delivery.js'
import { InvalidKeyError } from './errors.js'
import { bodyFingerprint } from './fingerprint.js'
import { keyOf } from './key.js'
import { problem } from './problem.js'
import type { Answer, HandlerResponse } from './response.js'
import { inRange, resolveTiming, type Timing } from './settings.js'

/** The rules of an endpoint. Durations are in milliseconds, sizes in bytes. */
export interface SourceSettings extends Partial<Timing> {
  /** Answer 400 to a delivery without a key instead of processing it every time. Default `false`. */
  keyRequired?: boolean
  /** What must be equal for two deliveries to be one operation: the raw `body` (default), `none`, or a digest of your own. */
  fingerprint?: 'body' | 'none' | ((delivery: Delivery) => string)
  /** Which responses are final and recorded. Default: status 200 to 299. All others give the key back. */
  recordable?: (response: HandlerResponse) => boolean
  /** Default 1 MiB. */
  maxBodyBytes?: number
  /** Default 1 MiB. Of larger responses status and headers are recorded, the body is not. */
  maxResponseBytes?: number
}

export type ResolvedSettings = Required<Omit<SourceSettings, keyof Timing>> & { timing: Timing }

export function resolveSettings(options: SourceSettings): ResolvedSettings {
  const { keyRequired = false, fingerprint = 'body', recordable = isSuccess } = options
  const { maxBodyBytes = 1_048_576, maxResponseBytes = 1_048_576 } = options
  inRange('maxBodyBytes', maxBodyBytes, 0, Number.MAX_SAFE_INTEGER)
  inRange('maxResponseBytes', maxResponseBytes, 0, Number.MAX_SAFE_INTEGER)
  return { keyRequired, fingerprint, recordable, maxBodyBytes, maxResponseBytes, timing: resolveTiming(options) }
}

const isSuccess = ({ status }: HandlerResponse): boolean => status >= 200 && status <= 299

/** A delivery that may go on, or what its sender is told instead. */
export type Taken = { refusal: Answer } | { key: string | null; fingerprint: string | null }

/** What is looked at before the store is asked, in this order: size, key, fingerprint. */
export function createIntake({ keyRequired, fingerprint, maxBodyBytes }: ResolvedSettings) {
  const digest =
    fingerprint === 'body'
      ? (delivery: Delivery) => bodyFingerprint(delivery.body)
      : fingerprint === 'none'
        ? () => null
        : fingerprint

  const tooLarge = (): Answer =>
    problem('body_too_large', { detail: `At most ${maxBodyBytes} bytes are accepted.`, outcome: 'invalid' })

  return {
    tooLarge,

    take(delivery: Delivery): Taken {
      if (delivery.body.length > maxBodyBytes) return { refusal: tooLarge() }
      let key: string | null
      try {
        key = keyOf(delivery)
      } catch (error) {
        if (!(error instanceof InvalidKeyError)) throw error
        return { refusal: problem('key_invalid', { detail: error.message, outcome: 'invalid' }) }
      }
      if (key !== null) return { key, fingerprint: digest(delivery) }
      if (!keyRequired) return { key, fingerprint: null }
      const detail = 'Send X-Idempotency-Key or Idempotency-Key.'
      return { refusal: problem('key_missing', { detail, outcome: 'invalid' }) }
    },
  }
}
