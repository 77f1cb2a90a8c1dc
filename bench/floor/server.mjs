/**
 * The floor: what a receiver that records answers cannot do without. A bare Fastify that makes the same writes and
 * nothing else: no leases, no joining, no comparing, no time limits, no rules for headers.
 *
 * STORE names the module that writes, ADDRESS where to: one step to take the key, one to keep the answer.
 */
import { createHash, randomUUID } from 'node:crypto'
import { acknowledgement, receive } from '../receiver.mjs'

const { open } = await import(`./${process.env.STORE}.mjs`)
const store = await open(process.env.ADDRESS)

await receive(async (request, reply) => {
  const key = request.headers['x-idempotency-key']
  const fingerprint = createHash('sha256').update(request.body).digest('base64url')
  const attempt = { fingerprint, leaseId: randomUUID() }
  const known = await store.take(key, attempt)
  if (known !== undefined) {
    const { status, headers, body } = decoded(known)
    return reply.code(status).headers(headers).header('x-cached', 'true').send(body)
  }
  JSON.parse(request.body.toString())
  const body = Buffer.from(acknowledgement())
  const headers = { 'content-type': 'application/json' }
  await store.keep(key, attempt, encoded({ status: 200, headers, body }))
  return reply.headers(headers).send(body)
})

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
