import { parentPort, workerData } from 'node:worker_threads'
import { DatabaseSync } from '@photostructure/sqlite'

const db = new DatabaseSync(workerData)
db.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE answers (key TEXT PRIMARY KEY, body BLOB) STRICT;
`)
const read = db.prepare('SELECT body FROM answers WHERE key = ?')
const take = db.prepare('INSERT INTO answers (key) VALUES (?) ON CONFLICT DO NOTHING')
const keep = db.prepare('UPDATE answers SET body = ? WHERE key = ?')

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
    const [id, key, body] = request
    const known = body === undefined ? (read.get(key)?.body ?? undefined) : undefined
    if (known === undefined) writes.push(request)
    else answers.push([id, known])
  }
  queue = []
  if (writes.length > 0) {
    db.exec('BEGIN IMMEDIATE')
    for (const [id, key, body] of writes) {
      if (body === undefined) take.run(key)
      else keep.run(body, key)
      answers.push([id])
    }
    db.exec('COMMIT')
  }
  parentPort.postMessage(answers)
}
