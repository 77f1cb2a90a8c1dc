import { statSync } from 'node:fs'
import type { Database } from '../database/driver.js'
import { nap } from '../database/transaction.js'

const COMMITS_BETWEEN_LOOKS = 1000
const LONGEST_BYTES = 64 * 1024 * 1024
const PATIENCE_MS = 20

/** As far as nobody reads or writes at this moment. Never throws: what is in the log stands. */
export function emptyLog(db: Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // A full disk, for example.
  }
}

/**
 * Keeps the write-ahead log from growing without bound. SQLite starts it anew when a commit finds all of it copied
 * into the file, which processes that write without a pause can keep from ever happening. To be called after each
 * commit. A reader that holds a snapshot for long prevents it too; then it is tried again later. Never throws.
 */
export function createLogKeeper(db: Database, path: string): () => void {
  const truncate = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  let commits = 0
  return () => {
    if (++commits % COMMITS_BETWEEN_LOOKS !== 0) return
    try {
      if (statSync(`${path}-wal`).size < LONGEST_BYTES) return
      const deadline = performance.now() + PATIENCE_MS
      while ((truncate.get() as { busy: number }).busy && performance.now() < deadline) nap()
    } catch {
      // The commit before it stands all the same, and what is wrong will show in the next one.
    }
  }
}
