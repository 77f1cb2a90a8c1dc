import { ConfigurationError } from '../errors.js'
import { aNumber, type Rules, shown } from '../util/options.js'

/** How long things last, in milliseconds. */
export interface Timing {
  /** How long a result is replayed, from its completion. Default 1 hour. */
  retentionMs: number
  /** The longest an attempt may hold a key, however often its lease is renewed. Default 5 minutes. */
  lockTtlMs: number
  /** How long a key stays held after its process died. Renewed every third. Default 15 s, or the lock TTL if less. */
  leaseMs: number
  /** How long a duplicate waits for a running attempt; 0: not at all. Default 10 s. */
  waitMs: number
}

export const DEFAULT_TIMING: Readonly<Timing> = {
  retentionMs: 3_600_000,
  lockTtlMs: 300_000,
  leaseMs: 15_000,
  waitMs: 10_000,
}

export const TIMING_RULES: Rules = { retentionMs: aNumber, lockTtlMs: aNumber, leaseMs: aNumber, waitMs: aNumber }

/** What a timer can count: more would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** A hundred years: expiry times stay dates. */
const MAX_RETENTION_MS = 100 * 366 * 86_400_000

/** @throws {ConfigurationError} naming the setting and what is allowed */
export function resolveTiming(
  options: { [Name in keyof Timing]?: number | undefined },
  defaults = DEFAULT_TIMING,
): Timing {
  const { retentionMs = defaults.retentionMs, lockTtlMs = defaults.lockTtlMs, waitMs = defaults.waitMs } = options
  const { leaseMs = Math.min(defaults.leaseMs, lockTtlMs) } = options
  inRange('retentionMs', retentionMs, 1, MAX_RETENTION_MS)
  inRange('lockTtlMs', lockTtlMs, 1, MAX_TIMER_MS)
  inRange('leaseMs', leaseMs, 1, lockTtlMs)
  inRange('waitMs', waitMs, 0, MAX_TIMER_MS)
  const whole = (ms: number) => Math.max(1, Math.round(ms)) // stores keep whole milliseconds
  return { retentionMs: whole(retentionMs), lockTtlMs: whole(lockTtlMs), leaseMs: whole(leaseMs), waitMs }
}

/** @throws {ConfigurationError} */
export function inRange(name: string, value: number, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return
  throw new ConfigurationError(`${name} must be a number from ${least} to ${most}, not ${shown(value)}`)
}
