import type { FastifyInstance } from 'fastify'
import { problem, type Receiver } from 'hookonce'
import type { Logger } from 'pino'
import type { Gate } from '../deliveries/in-flight.js'
import { json, problems } from '../http/openapi/answers.js'
import { jsonAnswer, respond } from '../http/respond.js'

export interface HealthContext {
  receiver: Receiver
  /** `memory`, `sqlite`, `redis` or `postgres`. */
  storeName: string
  gate: Gate
  log: Logger
}

const STATUS = { type: 'object', required: ['status'], properties: { status: { type: 'string' } } }
const ALIVE = { tags: ['about'], summary: 'Whether this process is alive', response: json('it is alive', STATUS) }
const READY = {
  tags: ['about'],
  summary: 'Whether it accepts deliveries, and its store works',
  response: { ...json('it is ready', STATUS), ...problems('store_unavailable', 'shutting_down') },
}

/** Alive: this process answers. Ready: it accepts deliveries, and its store works. */
export function healthRoutes(app: FastifyInstance, { receiver, storeName, gate, log }: HealthContext): void {
  for (const path of ['/health', '/healthz']) {
    app.get(path, { schema: ALIVE }, (_, reply) => respond(reply, jsonAnswer({ status: 'ok' })))
  }

  // One check of the store at a time, whatever the number of requests: the route is public.
  let check: Promise<boolean> | undefined
  let wasReady = true
  const storeIsReady = (): Promise<boolean> => {
    check ??= receiver
      .ready()
      .then(
        () => {
          if (!wasReady) log.info({ store: storeName }, 'the store can do its work again')
          wasReady = true
        },
        (error: unknown) => {
          // The reason goes to the log, once per change.
          if (wasReady) log.warn({ store: storeName, err: error }, 'the store cannot do its work')
          wasReady = false
        },
      )
      .then(() => wasReady)
      .finally(() => {
        check = undefined
      })
    return check
  }

  app.get('/readyz', { schema: READY }, async (_, reply) => {
    if (gate.closed) respond(reply, problem('shutting_down'))
    else if (await storeIsReady()) respond(reply, jsonAnswer({ status: 'ready', store: storeName }))
    else respond(reply, problem('store_unavailable', { detail: `The ${storeName} store cannot do its work.` }))
  })
}
