/**
 * The same facts in a row, in the same two durable steps, as one would write it by hand: found by a unique index on scope
 * and key, with an index on expiry to purge by. Without the hash that a million records need, and without an inbox.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { DatabaseSync } from '@photostructure/sqlite'

const db = new DatabaseSync(workerData)
db.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE records (
    id INTEGER PRIMARY KEY, scope TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, fingerprint TEXT,
    attempts INTEGER NOT NULL, losses INTEGER NOT NULL, lease_id TEXT NOT NULL, fencing_token INTEGER NOT NULL,
    created_at INTEGER NOT NULL, claimed_at INTEGER NOT NULL, lease_ends_at INTEGER NOT NULL, settled_at INTEGER,
    expires_at INTEGER NOT NULL, lock_ttl_ms INTEGER NOT NULL, retention_ms INTEGER NOT NULL, last_error TEXT,
    result BLOB, UNIQUE (scope, key)
  ) STRICT;
  CREATE INDEX records_by_expiry ON records (expires_at);
`)
const read = db.prepare('SELECT result FROM records WHERE scope = ? AND key = ?')
const take = db.prepare(`
  INSERT INTO records (scope, key, state, fingerprint, attempts, losses, lease_id, fencing_token, created_at, claimed_at,
    lease_ends_at, expires_at, lock_ttl_ms, retention_ms)
  VALUES ('default', ?, 'running', ?, 1, 0, ?, ?, ?, ?, ?, ?, 300000, 3600000) ON CONFLICT DO NOTHING`)
const keep = db.prepare(`
  UPDATE records SET state = 'completed', result = ?, settled_at = ?, expires_at = ? WHERE scope = 'default' AND key = ?`)

let queue = []
let scheduled = false
parentPort.on('message', requests => {
  queue.push(...requests)
  if (scheduled) return
  scheduled = true
  setImmediate(work)
})

function work() {
  scheduled = false
  const answers = []
  const writes = []
  for (const request of queue) {
    const [id, key, { result }] = request
    const known = result === undefined ? read.get('default', key)?.result : undefined
    if (known == null) writes.push(request)
    else answers.push([id, known])
  }
  queue = []
  if (writes.length > 0) {
    const now = Date.now()
    db.exec('BEGIN IMMEDIATE')
    for (const [id, key, { fingerprint, leaseId, result }] of writes) {
      if (result === undefined) {
        take.run(key, fingerprint, leaseId, now * 1000, now, now, now + 15_000, now + 3_615_000)
      } else keep.run(result, now, now + 3_600_000, key)
      answers.push([id])
    }
    db.exec('COMMIT')
  }
  parentPort.postMessage(answers)
}
