/**
 * The floor: what a receiver cannot do without. A bare Fastify that makes the same durable writes and nothing else:
 * no leases, no joining, no fingerprint, no time limits, no header rules.
 *
 * STORE=sqlite: one write to take the key, one to keep the answer, grouped by a worker as Hookonce's are, with the
 * same pragmas. STORE=memory: a Map.
 */
import { Worker } from 'node:worker_threads'
import Fastify from 'fastify'
import { v7 as uuidv7 } from 'uuid'

const store = process.env.STORE === 'sqlite' ? sqliteFloor(process.env.DATABASE) : memoryFloor()

const app = Fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/webhook', async (request, reply) => {
  const key = request.headers['x-idempotency-key']
  const cached = await store.take(key)
  reply.header('content-type', 'application/json')
  if (cached !== undefined) return reply.header('x-cached', 'true').send(cached)
  JSON.parse(request.body.toString())
  const body = Buffer.from(
    JSON.stringify({ status: 'success', message: 'Webhook processed successfully', event_id: uuidv7() }),
  )
  await store.keep(key, body)
  return reply.send(body)
})
const address = await app.listen({ port: 0, host: '127.0.0.1' })
console.log(address)

function memoryFloor() {
  const answers = new Map()
  return {
    take: async key => {
      const cached = answers.get(key)
      if (cached === undefined) answers.set(key, null)
      return cached ?? undefined
    },
    keep: async (key, body) => {
      answers.set(key, body)
    },
  }
}

function sqliteFloor(path) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: path })
  const waiting = new Map()
  let lastId = 0
  let outgoing
  worker.on('message', answers => {
    for (const [id, answer] of answers) {
      waiting.get(id)(answer)
      waiting.delete(id)
    }
  })
  const ask = (key, body) =>
    new Promise(resolve => {
      const id = ++lastId
      waiting.set(id, resolve)
      if (outgoing === undefined) {
        outgoing = []
        setImmediate(() => {
          worker.postMessage(outgoing)
          outgoing = undefined
        })
      }
      outgoing.push([id, key, body])
    })
  return {
    take: async key => {
      const cached = await ask(key)
      return cached === undefined ? undefined : Buffer.from(cached.buffer, cached.byteOffset, cached.byteLength)
    },
    keep: ask,
  }
}
