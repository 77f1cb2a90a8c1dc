const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Figures are kept for steps of this length. */
export interface Step {
  /** Of the journal. */
  list: string
  ms: number
  keepMs: number
}

const step = (list: string, ms: number, keepMs: number): Step => ({ list, ms, keepMs })

/** Whatever is asked for is read of a list whose steps fit it: see {@link RANGES}. */
const MINUTES = step('figures 1m', MINUTE_MS, 2 * HOUR_MS)
const TENS = step('figures 10m', 10 * MINUTE_MS, 2 * DAY_MS)
const HOURS = step('figures 1h', HOUR_MS, 8 * DAY_MS)
const SIXES = step('figures 6h', 6 * HOUR_MS, 31 * DAY_MS)

/** The shortest first. */
export const STEPS = [MINUTES, TENS, HOURS, SIXES] as const

/** What an operator can ask for, in steps up to the present one. */
export const RANGES = {
  '5m': { step: MINUTES, steps: 5 },
  '1h': { step: MINUTES, steps: 60 },
  '24h': { step: TENS, steps: 144 },
  '7d': { step: HOURS, steps: 168 },
  '30d': { step: SIXES, steps: 120 },
}

export type Range = keyof typeof RANGES

/** The beginning of the step that a moment is in; both in ms since the epoch. */
export const startOf = ({ ms }: Step, at: number): number => at - (at % ms)
