/**
 * The floor: what a receiver that records answers cannot do without. A bare Fastify that makes the same writes and
 * nothing else: no leases, no joining, no comparing, no time limits, no rules for headers.
 *
 * STORE=sqlite: one write to take the key, one to keep the answer, by a worker thread that groups what arrived
 * together. STORE=memory: a Map.
 */
import { createHash, randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import Fastify from 'fastify'
import { v7 as uuidv7 } from 'uuid'

const store = process.env.STORE === 'sqlite' ? sqliteFloor(process.env.DATABASE) : memoryFloor()

const app = Fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/webhook', async (request, reply) => {
  const key = request.headers['x-idempotency-key']
  const fingerprint = createHash('sha256').update(request.body).digest('base64url')
  const known = await store.take(key, { fingerprint, leaseId: randomUUID() })
  if (known !== undefined) {
    const { status, headers, body } = decoded(known)
    return reply.code(status).headers(headers).header('x-cached', 'true').send(body)
  }
  JSON.parse(request.body.toString())
  const body = Buffer.from(
    JSON.stringify({ status: 'success', message: 'Webhook processed successfully', event_id: uuidv7() }),
  )
  const headers = { 'content-type': 'application/json' }
  await store.keep(key, { result: encoded({ status: 200, headers, body }) })
  return reply.headers(headers).send(body)
})
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))

function encoded({ status, headers, body }) {
  const head = Buffer.from(JSON.stringify({ status, headers }))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  return Buffer.concat([length, head, body])
}

function decoded(result) {
  const bytes = Buffer.from(result.buffer, result.byteOffset, result.byteLength)
  const bodyAt = 4 + bytes.readUInt32BE(0)
  return { ...JSON.parse(bytes.toString('utf8', 4, bodyAt)), body: bytes.subarray(bodyAt) }
}

function memoryFloor() {
  const records = new Map()
  return {
    take: async (key, attempt) => {
      const record = records.get(key)
      if (record?.result !== undefined) return record.result
      records.set(key, { ...attempt, state: 'running', claimedAt: Date.now() })
    },
    keep: async (key, { result }) => {
      Object.assign(records.get(key), { state: 'completed', result, settledAt: Date.now() })
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
  const ask = (key, columns) =>
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
      outgoing.push([id, key, columns])
    })
  return { take: ask, keep: ask }
}
