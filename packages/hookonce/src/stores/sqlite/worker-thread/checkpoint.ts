import { statSync } from 'node:fs'
import type { Database } from '../database/driver.js'
import { sleepBriefly } from '../database/transaction.js'

const COMMITS_BETWEEN_CHECKS = 1000
const MAX_WAL_BYTES = 64 * 1024 * 1024
const MAX_WAIT_MS = 20

/** Truncates the WAL unless another connection uses it. Never throws: what is in the WAL is durable. */
export function truncateWal(db: Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // A full disk, for example.
  }
}

/**
 * Limits the size of the WAL; the function that it returns is called after each commit. SQLite restarts the WAL when a
 * commit finds all of it checkpointed, which may never happen while several processes write without a pause. A reader of
 * an old snapshot prevents the truncation; it is tried again later. Never throws.
 */
export function createWalLimit(db: Database, path: string): () => void {
  const truncate = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  let commits = 0
  return () => {
    if (++commits % COMMITS_BETWEEN_CHECKS !== 0) return
    try {
      if (statSync(`${path}-wal`).size < MAX_WAL_BYTES) return
      const deadline = performance.now() + MAX_WAIT_MS
      while ((truncate.get() as { busy: number }).busy && performance.now() < deadline) sleepBriefly()
    } catch {
      // The commit before it is durable; the next one fails if the cause persists.
    }
  }
}
