import { node } from '@elysiajs/node'
import { Elysia } from 'elysia'
import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'
import { sqliteStore } from 'hookonce/stores/sqlite'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
const orders = receiver.source({ name: 'orders' })

const app = new Elysia({ adapter: node() }).post(
  '/webhook',
  ({ request }) =>
    handleFetch(orders, request, async (delivery, attempt) => {
      const { event } = delivery.json()
      return Response.json({ ok: true, event, attempt: attempt.number })
    }),
  // Elysia must not read the body: the raw bytes are what is compared.
  { parse: 'none' },
)

app.listen(Number(process.env.PORT ?? 3000), server => {
  console.log(`listening on http://localhost:${server.port}`)
  process.once('SIGTERM', async () => {
    await server.stop()
    await receiver.settled()
    await receiver.close()
  })
})
