/** Holds the write lock of a SQLite file for some time, again and again. Asked `{ path, leastMs, mostMs, seconds }`. */
import { setTimeout as delay } from 'node:timers/promises'

const isOld = Number.parseInt(process.versions.node, 10) < 24
const { DatabaseSync } = await import(isOld ? '@photostructure/sqlite' : 'node:sqlite')

/** Between two of its transactions others get the lock. */
const PAUSE_MS = [50, 200]

process.on('message', async ({ path, leastMs, mostMs, seconds }) => {
  const db = new DatabaseSync(path, { timeout: 10_000 })
  const endsAt = performance.now() + 1000 * seconds
  let held = 0
  while (performance.now() < endsAt) {
    db.exec('BEGIN IMMEDIATE')
    await delay(between(leastMs, mostMs))
    db.exec('ROLLBACK')
    held++
    await delay(between(...PAUSE_MS))
  }
  db.close()
  process.send({ held })
})

const between = (least, most) => least + Math.random() * (most - least)
