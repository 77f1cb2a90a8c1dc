import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { ship } from './ship.js'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
const orders = receiver.source({ name: 'orders' })
const app = new Hono()

app.post('/webhook', c =>
  handleFetch(orders, c.req.raw, async (delivery, attempt) => {
    const shipment = await ship(delivery.json(), { idempotencyKey: attempt.keyFor('ship') })
    return Response.json({ ok: true, shipment: shipment.id, attempt: attempt.number })
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
