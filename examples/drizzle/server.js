// Once for each idempotency key, whatever crashes: a payment, and the mail that is to go out for it, with Drizzle.
//
//   curl -i localhost:3000/webhook -H 'X-Idempotency-Key: pay-1' --json '{"payment": "pay_123", "cents": 1250}'
//   curl -i localhost:3000/webhook -H 'X-Idempotency-Key: pay-1' --json '{"payment": "pay_123", "cents": 1250}'   # the same
import { serve } from '@hono/node-server'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'
import { postgresStore } from 'hookonce/stores/postgres'
import { createTables, pool } from './database.js'
import { outbox, payments } from './schema.js'

await createTables()
const receiver = createReceiver({ store: postgresStore(pool) })
const source = receiver.source({ name: 'payments' })
const app = new Hono()

app.post('/webhook', c =>
  handleFetch(source, c.req.raw, (delivery, attempt) => {
    const { payment, cents } = delivery.json()
    return attempt.commit(async tx => {
      // On the client of the store's transaction. No db.transaction() here: its COMMIT would end that one too early.
      const db = drizzle(tx)
      const [{ id }] = await db.insert(payments).values({ reference: payment, cents }).returning()
      await db.insert(outbox).values({ topic: 'receipt', payload: { payment, cents } })
      return Response.json({ ok: true, id, attempt: attempt.number }, { status: 201 })
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
  await pool.end()
})
