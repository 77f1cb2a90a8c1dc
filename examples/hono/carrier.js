// Stands for a carrier's API. With --lose-first-answer it makes the shipment, but its first answer never arrives.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const shipments = new Map()
const app = new Hono()

app.post('/shipments', c => {
  const key = c.req.header('idempotency-key')
  const known = shipments.get(key)
  if (known) return c.json(known)
  const shipment = { id: `shipment-${shipments.size + 1}` }
  shipments.set(key, shipment)
  console.log(`${shipment.id} made`)
  return process.argv.includes('--lose-first-answer') ? c.body(null, 502) : c.json(shipment)
})

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3001) }, ({ port }) => {
  console.log(`listening on http://localhost:${port}`)
})
