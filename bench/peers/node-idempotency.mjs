/**
 * `@node-idempotency/core` on its Redis adapter: as its documentation has it, `onRequest` before the work and
 * `onResponse` after it. It hashes the parsed body. ADDRESS is the URL of the Redis.
 */
import { Idempotency } from '@node-idempotency/core'
import { RedisStorageAdapter } from '@node-idempotency/storage-adapter-redis'
import { acknowledgement, receive } from '../receiver.mjs'

const storage = new RedisStorageAdapter({ url: process.env.ADDRESS })
await storage.connect()
const idempotency = new Idempotency(storage, { idempotencyKey: 'x-idempotency-key', cacheTTLMS: 3_600_000 })

await receive(async (request, reply) => {
  const { method, url: path, headers } = request
  const asked = { method, path, headers, body: JSON.parse(request.body.toString()) }
  const known = await idempotency.onRequest(asked)
  if (known !== undefined) {
    const { statusCode, headers } = known.additional
    return reply.code(statusCode).headers(headers).header('x-cached', 'true').send(known.body)
  }
  const body = acknowledgement()
  const answerHeaders = { 'content-type': 'application/json' }
  await idempotency.onResponse(asked, { body, additional: { statusCode: 200, headers: answerHeaders } })
  return reply.headers(answerHeaders).send(body)
})
