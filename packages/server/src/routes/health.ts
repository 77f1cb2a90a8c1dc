import type { FastifyInstance } from 'fastify'
import { problem, type Receiver } from 'hookonce'
import type { Gate } from '../gate.js'
import { jsonAnswer, respond } from '../respond.js'

export interface HealthContext {
  receiver: Receiver
  gate: Gate
}

/** Alive: this process answers. Ready: it takes deliveries, and its store can do its work. */
export function healthRoutes(app: FastifyInstance, { receiver, gate }: HealthContext): void {
  for (const path of ['/health', '/healthz']) {
    app.get(path, (_, reply) => respond(reply, jsonAnswer({ status: 'ok' })))
  }

  // One question to the store at a time, however many ask: this route is open to everybody.
  let asking: Promise<boolean> | undefined
  const storeAnswers = (): Promise<boolean> => {
    asking ??= receiver
      .ready()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  app.get('/readyz', async (_, reply) => {
    if (gate.closed) respond(reply, problem('shutting_down'))
    else if (await storeAnswers()) respond(reply, jsonAnswer({ status: 'ready' }))
    else respond(reply, problem('store_unavailable'))
  })
}
