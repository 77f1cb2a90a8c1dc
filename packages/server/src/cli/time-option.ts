import { StartError } from '../config/start-error.js'

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time, or how long ago: `2030-01-31T12:00:00Z`, `30m`. In ms since the epoch. @throws {StartError} */
export function timeOption(option: string, given: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(given) ?? []
  if (unit !== undefined) return Date.now() - Number(count) * UNITS[unit]!
  const time = /^\d{4}-\d\d-\d\d/.test(given) ? Date.parse(given) : Number.NaN
  if (Number.isNaN(time)) {
    throw new StartError(`${option} must be a time like 2030-01-31T12:00:00Z, or how long ago: 30m, 12h, 7d`)
  }
  return time
}
