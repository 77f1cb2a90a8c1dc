import fastify from 'fastify'
import { createReceiver } from 'hookonce'
import { idempotent } from 'hookonce/adapters/fastify'
import { sqliteStore } from 'hookonce/stores/sqlite'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
const app = fastify()
let orders = 0

const body = {
  type: 'object',
  required: ['data'],
  properties: {
    data: { type: 'object', required: ['payment_id'], properties: { payment_id: { type: 'string' } } },
  },
}

// A scope of its own: routes outside of it are as they were.
app.register(async scope => {
  await scope.register(idempotent, { source: receiver })
  scope.post('/webhook', { schema: { body } }, async (request, reply) => {
    orders += 1
    reply.code(201)
    return { ok: true, order: orders, payment: request.body.data.payment_id }
  })
})

app.addHook('onClose', async () => {
  await receiver.settled()
  await receiver.close()
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
console.log(`listening on http://localhost:${app.server.address().port}`)

process.once('SIGTERM', () => app.close())
