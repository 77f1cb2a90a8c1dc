import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'

/** Less is no step: the two clocks are not read at one moment. */
const LEAST_STEP_MS = 100

/** Notices that the clock stepped back while this process runs, and that it did before the file was opened. */
export function watchClock(db: Database) {
  const newest = db.prepare(sql.newest).get() as { at: number } | undefined
  let steppedBack = newest !== undefined && newest.at > Date.now()
  let ahead = Date.now() - performance.now()

  return {
    /** Whether it did, until {@link isRight}. */
    hasSteppedBack(): boolean {
      const now = Date.now() - performance.now()
      if (now < ahead - LEAST_STEP_MS) steppedBack = true
      ahead = now
      return steppedBack
    },

    /** What was due too late for that is put right. */
    isRight(): void {
      steppedBack = false
    },
  }
}
