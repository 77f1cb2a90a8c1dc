import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Answer, Delivery, type Handler, type Inbox, type Receiver, type Source } from 'hookonce'
import type { Logger } from 'pino'
import type { Agent } from 'undici'
import type { Admission } from '../admission.js'
import type { ResolvedSource } from '../config.js'
import type { Gate } from '../gate.js'
import { handlerFor } from '../handlers/index.js'
import type { Metrics } from '../metrics/index.js'
import { serverProblem } from '../problems.js'
import { readBody } from '../read-body.js'
import { sendAnswer } from '../send-answer.js'
import type { Tracing } from '../telemetry/tracing.js'
import { TokenBucket } from '../token-bucket.js'
import { turnEnd } from '../turn-end.js'

export interface DeliveryContext {
  receiver: Receiver
  inbox: Inbox
  sources: Map<string, ResolvedSource>
  gate: Gate
  admission: Admission
  metrics: Metrics
  tracing: Tracing | undefined
  agent: Agent
  log: Logger
}

/** Node drops header fields beyond its own bound of 2,000 in silence; a lost key header must not pass for "no key". */
const MAX_HEADER_FIELDS = 200

type Receive = (delivery: Delivery, handler: Handler) => Promise<Answer>

type DeliveryListener = (request: IncomingMessage, response: ServerResponse) => void

/** Makes the routes, and gives what answers each by its path: the way to it through the framework is the longer one. */
export function deliveryRoutes(app: FastifyInstance, context: DeliveryContext): ReadonlyMap<string, DeliveryListener> {
  const listeners = new Map<string, DeliveryListener>()
  const route = (path: string, answer: DeliveryListener) => {
    listeners.set(path, answer)
    app.post(path, { onRequest: takeOver(answer) }, unreached)
  }
  for (const [name, configured] of context.sources) {
    const { options } = configured
    // One that accepts calls the handler later.
    const source = configured.inbox ? context.inbox.source(name) : context.receiver.source(options)
    const handler = handlerFor(configured, source.maxResponseBytes, context)
    const { ratePerSecond } = configured
    const rate = ratePerSecond === undefined ? undefined : new TokenBucket(ratePerSecond, performance.now())
    const answererOf = (source: Source, receive: Receive) => {
      const traced = context.tracing?.delivery(name, receive, handler)
      return deliveryAnswerer(name, source, traced ?? (delivery => receive(delivery, handler)), rate, context)
    }
    const answer = answererOf(source, (delivery, handler) => source.receive(delivery, handler))
    route(`/hooks/${name}`, answer)
    if (name !== 'default') continue
    route('/webhook', answer)
    const keyless = context.receiver.source({ ...options, name: '/webhook/no-idempotency', keyRequired: false })
    route('/webhook/no-idempotency', answererOf(keyless, withoutKey(keyless)))
  }
  return listeners
}

/** The source sees no header, so no key; the handler sees the delivery as it arrived. */
function withoutKey(source: Source): Receive {
  return (delivery, handler) => {
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
  receive: (delivery: Delivery) => Promise<Answer>,
  rate: TokenBucket | undefined,
  { gate, admission, metrics, log }: DeliveryContext,
): DeliveryListener {
  const { maxBodyBytes } = source

  const refused = (answer: Answer): Answer => {
    metrics.refused(name, answer.outcome)
    return answer
  }

  async function answerFor(request: IncomingMessage): Promise<Answer | undefined> {
    const { rawHeaders } = request
    if (gate.closed) return refused(shuttingDown())
    const overload = admission.refusal(name, rate)
    if (overload !== undefined) return overload
    if (rawHeaders.length > 2 * MAX_HEADER_FIELDS) {
      const detail = `At most ${MAX_HEADER_FIELDS} header fields are accepted.`
      return refused(serverProblem('headers_too_large', { detail }))
    }
    const body = await readBody(request, maxBodyBytes)
    if (body === 'gone') return undefined
    if (body === 'too_large') return source.tooLarge()
    if (gate.closed) return refused(shuttingDown())

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
