import { appendFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { jsonResponse } from 'hookonce'
import { defineConfig } from '../../config/file.js'
import { ATTEMPTS_FILE, DATABASE_FILE, LEASE_SECONDS, SOURCE, WORK_MS } from './scene.js'

// Nothing of the demo outlives it, however it ends.
process.on('disconnect', () => process.exit(1))

/**
 * A receiver with an application that charges cards. Nothing in its table keeps it from charging twice: a second run for the
 * same event would be a second row.
 */
export default defineConfig({
  port: 0,
  storeUrl: `sqlite:./${DATABASE_FILE}`,
  leaseSeconds: LEASE_SECONDS,
  sources: {
    [SOURCE]: {
      keyRequired: true,
      async handle(delivery, { key, number, commit }) {
        appendFileSync(ATTEMPTS_FILE, `${key} ${number} ${Date.now()}\n`)
        const { cents } = delivery.json() as { cents: number }
        await setTimeout(WORK_MS)
        return commit!(tx => {
          tx.exec(
            'CREATE TABLE IF NOT EXISTS charges (id INTEGER PRIMARY KEY, key TEXT, attempt INTEGER, cents INTEGER)',
          )
          tx.prepare('INSERT INTO charges (key, attempt, cents) VALUES (?, ?, ?)').run(key, number, cents)
          return jsonResponse({ charged: cents, attempt: number })
        })
      },
    },
  },
})
