import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'

/** The two clocks are read one after the other, so a smaller difference is no step. */
const MIN_STEP_MS = 100

/** Detects that the wall clock stepped back, while this process runs or before the file was opened. */
export function watchClock(db: Database) {
  const newest = db.prepare(sql.newest).get() as { at: number } | undefined
  let steppedBack = newest !== undefined && newest.at > Date.now()
  let offset = Date.now() - performance.now()

  return {
    /** `true` from a step until {@link corrected}. */
    hasSteppedBack(): boolean {
      const now = Date.now() - performance.now()
      if (now < offset - MIN_STEP_MS) steppedBack = true
      offset = now
      return steppedBack
    },

    /** To be called when the due times that the old clock set are corrected. */
    corrected(): void {
      steppedBack = false
    },
  }
}
