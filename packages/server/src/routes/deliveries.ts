import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Answer, Delivery, type Handler, type Source } from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedSource } from '../config.js'
import type { Gate } from '../gate.js'
import { deliverySchema } from '../openapi/deliveries.js'
import { serverProblem } from '../problems.js'
import { readBody } from '../read-body.js'
import { sendAnswer } from '../send-answer.js'
import { mountedSource, type SourceContext } from '../sources.js'
import { turnEnd } from '../turn-end.js'

export interface DeliveryContext extends SourceContext {
  sources: Map<string, ResolvedSource>
  gate: Gate
}

/** Node drops header fields beyond its own bound of 2,000 in silence; a lost key header must not pass for "no key". */
const MAX_HEADER_FIELDS = 200

type Receive = (delivery: Delivery) => Promise<Answer>

type DeliveryListener = (request: IncomingMessage, response: ServerResponse) => void

/** Makes the routes, and gives what answers each by its path: the way to it through the framework is the longer one. */
export function deliveryRoutes(app: FastifyInstance, context: DeliveryContext): ReadonlyMap<string, DeliveryListener> {
  const listeners = new Map<string, DeliveryListener>()
  const route = (path: string, answer: DeliveryListener, schema: object) => {
    listeners.set(path, answer)
    app.post(path, { schema, onRequest: takeOver(answer) }, unreached)
  }
  for (const [name, configured] of context.sources) {
    const { options } = configured
    const { source, handler, receive } = mountedSource(name, configured, context)
    const answer = deliveryAnswerer(name, source, receive, context)
    const schema = deliverySchema(name, configured)
    route(`/hooks/${name}`, answer, schema)
    if (name !== 'default') continue
    route('/webhook', answer, schema)
    const keyless = context.receiver.source({ ...options, name: '/webhook/no-idempotency', keyRequired: false })
    const everyTime = deliveryAnswerer(name, keyless, withoutKey(keyless, handler), context)
    route('/webhook/no-idempotency', everyTime, deliverySchema(name, configured, false))
  }
  return listeners
}

/** The source sees no header, so no key; the handler sees the delivery as it arrived. */
function withoutKey(source: Source, handler: Handler): Receive {
  return delivery => {
    const { method, url, body } = delivery
    const bare = new Delivery({ method, url, headers: [], body })
    return source.receive(bare, (_, attempt) => handler(delivery, attempt))
  }
}

/** Answered before Fastify reads the body: the raw bytes count, whatever the Content-Type says or fails to say. */
const takeOver =
  (answer: DeliveryListener) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack()
    answer(request.raw, reply.raw)
  }

function unreached(): never {
  throw new Error('a delivery is answered in onRequest')
}

function deliveryAnswerer(
  name: string,
  source: Source,
  receive: Receive,
  { gate, log }: DeliveryContext,
): DeliveryListener {
  const { maxBodyBytes } = source

  async function answerFor(request: IncomingMessage): Promise<Answer | undefined> {
    const { rawHeaders } = request
    if (gate.closed) return shuttingDown()
    if (rawHeaders.length > 2 * MAX_HEADER_FIELDS) {
      return serverProblem('headers_too_large', { detail: `At most ${MAX_HEADER_FIELDS} header fields are accepted.` })
    }
    const body = await readBody(request, maxBodyBytes)
    if (body === 'gone') return undefined
    if (body === 'too_large') return source.tooLarge()
    if (gate.closed) return shuttingDown()

    const delivery = new Delivery({ method: 'POST', url: request.url!, headers: rawHeaders, body })
    const answer = await receive(delivery)
    if (answer.status >= 500 || answer.outcome === 'mismatch' || log.isLevelEnabled('debug')) {
      logDelivery(log, name, delivery, answer)
    }
    return answer
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    gate.enter()
    try {
      const answer = await answerFor(request)
      await turnEnd()
      if (answer !== undefined) sendAnswer(response, answer, gate.closed)
    } catch (error) {
      log.error({ source: name, err: error }, 'delivery not answered')
      sendAnswer(response, serverProblem('internal_error'), true)
    } finally {
      gate.leave()
    }
  }
}

function shuttingDown(): Answer {
  return serverProblem('shutting_down', { headers: [['retry-after', '1']], outcome: 'unavailable' })
}

function logDelivery(log: Logger, source: string, delivery: Delivery, { status, outcome }: Answer): void {
  const facts = { source, status, outcome }
  if (log.isLevelEnabled('debug')) {
    const key = delivery.header('x-idempotency-key') ?? delivery.header('idempotency-key')
    log.debug({ ...facts, key, bytes: delivery.body.length }, 'delivery')
  } else if (status >= 500) log.warn(facts, 'delivery failed')
  else log.info(facts, 'idempotency key reused for another payload')
}
