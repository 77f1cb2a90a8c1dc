/**
 * `@aws-lambda-powertools/idempotency` on its cache layer: a function made idempotent, its key taken from its argument.
 * Without validation of the payload, for its cache layer then refuses honest duplicates. ADDRESS is the URL of the Redis.
 */
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency'
import { CachePersistenceLayer } from '@aws-lambda-powertools/idempotency/cache'
import { createClient } from '@redis/client'
import { acknowledgement, receive } from '../receiver.mjs'

const work = async ({ body }) => {
  JSON.parse(body.toString())
  return { status: 200, headers: { 'content-type': 'application/json' }, body: acknowledgement() }
}
const workOnce = makeIdempotent(work, {
  keyPrefix: 'webhook',
  persistenceStore: new CachePersistenceLayer({ client: await createClient({ url: process.env.ADDRESS }).connect() }),
  config: new IdempotencyConfig({
    eventKeyJmesPath: 'key',
    throwOnNoIdempotencyKey: true,
    expiresAfterSeconds: 3600,
    lambdaContext: { getRemainingTimeInMillis: () => 300_000 },
    responseHook: answer => ({ ...answer, headers: { ...answer.headers, 'x-cached': 'true' } }),
  }),
})

await receive(async (request, reply) => {
  const { status, headers, body } = await workOnce({ key: request.headers['x-idempotency-key'], body: request.body })
  return reply.code(status).headers(headers).send(body)
})
