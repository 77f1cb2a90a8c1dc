// Once for each idempotency key, whatever crashes: a payment, and the mail that is to go out for it. No other server.
//
//   curl -i localhost:3000/webhook -H 'X-Idempotency-Key: pay-1' --json '{"payment": "pay_123", "cents": 1250}'
//   curl -i localhost:3000/webhook -H 'X-Idempotency-Key: pay-1' --json '{"payment": "pay_123", "cents": 1250}'   # the same
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createReceiver, jsonResponse } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { createTables } from './database.js'

const FILE = './data/hookonce.db'

const receiver = createReceiver({ store: sqliteStore(FILE) })
const payments = receiver.source({ name: 'payments' })
// The store makes its file, and takes no other's.
await receiver.ready()
createTables(FILE)
const app = new Hono()

app.post('/webhook', c =>
  handleFetch(payments, c.req.raw, (delivery, attempt) => {
    const { payment, cents } = delivery.json()
    // Not async, and no Response, whose body takes time to read: the file's only write lock is held here.
    return attempt.commit(tx => {
      const { lastInsertRowid } = tx
        .prepare('INSERT INTO payments (reference, cents) VALUES (?, ?)')
        .run(payment, cents)
      tx.prepare('INSERT INTO outbox (topic, payload) VALUES (?, ?)').run('receipt', JSON.stringify({ payment, cents }))
      return jsonResponse({ ok: true, id: Number(lastInsertRowid), attempt: attempt.number }, 201)
    })
  }),
)

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`listening on http://localhost:${port}`)
})

process.once('SIGTERM', async () => {
  server.close()
  await receiver.settled()
  await receiver.close()
})
