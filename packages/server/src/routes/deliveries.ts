import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Answer, Delivery, keyOf, type Source } from 'hookonce'
import type { Admission } from '../admission.js'
import type { Bodies } from '../bodies.js'
import type { ResolvedSource } from '../config.js'
import { DeliveryLog } from '../delivery-log.js'
import type { Gate } from '../gate.js'
import { KEYLESS, keylessSource, type Receive } from '../keyless.js'
import { deliverySchema, HANDSHAKE } from '../openapi/deliveries.js'
import { serverProblem } from '../problems.js'
import type { NoBody } from '../readings.js'
import type { Refusals } from '../refusals.js'
import { sendAnswer } from '../send-answer.js'
import { mountedSource, type SourceContext } from '../sources.js'
import type { Tracing } from '../telemetry/tracing.js'
import { TokenBucket } from '../token-bucket.js'
import { turnEnd } from '../turn-end.js'

export interface DeliveryContext extends SourceContext {
  sources: Map<string, ResolvedSource>
  allowNoIdempotency: boolean
  gate: Gate
  admission: Admission
  bodies: Bodies
  refusals: Refusals
  tracing: Tracing | undefined
}

const NO_BODY = Buffer.alloc(0)

type DeliveryListener = (request: IncomingMessage, response: ServerResponse) => void

/** Makes the routes, and gives what answers each by its path: the way to it through the framework is the longer one. */
export function deliveryRoutes(app: FastifyInstance, context: DeliveryContext): ReadonlyMap<string, DeliveryListener> {
  const listeners = new Map<string, DeliveryListener>()
  for (const [name, configured] of context.sources) {
    const { options, ratePerSecond } = configured
    const { sender } = options
    const route = (path: string, answer: DeliveryListener, keyed = true) => {
      listeners.set(path, answer)
      const onRequest = takeOver(answer)
      app.post(path, { schema: deliverySchema(name, configured, keyed), onRequest }, unreached)
      // Some ask whether this is the right place before they send the first event.
      if (!sender?.unsignedHandshake) return
      app.get(path, { schema: HANDSHAKE, onRequest, exposeHeadRoute: false }, unreached)
    }
    const { source, handler } = mountedSource(name, configured, context)
    const rate = ratePerSecond === undefined ? undefined : new TokenBucket(ratePerSecond, performance.now())
    const answererOf = (source: Source, receive: Receive, log: DeliveryLog) => {
      const traced = context.tracing?.delivery(name, receive, handler)
      return deliveryAnswerer(name, source, traced ?? (delivery => receive(delivery, handler)), rate, log, context)
    }
    const log = new DeliveryLog(name, sender === undefined ? keyOf : delivery => sender.key(delivery), context.log)
    const answer = answererOf(source, (delivery, handler) => source.receive(delivery, handler), log)
    route(`/hooks/${name}`, answer)
    if (name !== 'default') continue
    route('/webhook', answer)
    if (!context.allowNoIdempotency) continue
    const keylessLog = new DeliveryLog(name, () => null, context.log)
    const [keyless, receive] = keylessSource(context.receiver, options)
    route(KEYLESS, answererOf(keyless, receive, keylessLog), false)
  }
  return listeners
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
  log: DeliveryLog,
  { gate, admission, bodies, refusals }: DeliveryContext,
): DeliveryListener {
  const { maxBodyBytes } = source

  /** What its head is refused for, when there is no need to read its body. */
  function refusalOf({ method = 'POST', url = '', rawHeaders: headers }: IncomingMessage): Answer | undefined {
    if (gate.closed) return refusals.told(name, shuttingDown())
    return admission.refusal(name) ?? source.refusal({ method, url, headers })
  }

  function refuseUnread(response: ServerResponse, why: NoBody): void {
    if (why === 'too_large') sendAnswer(response, source.tooLarge(), gate.closed)
    else if (why !== 'gone') sendAnswer(response, admission.unread(name, why), true)
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let entered = false
    let body: Buffer = NO_BODY
    try {
      const refused = refusalOf(request)
      if (refused !== undefined) return sendAnswer(response, refused, gate.closed)
      const { method = 'POST', url = '', rawHeaders: headers } = request
      // Before its body is there a delivery takes no place: whoever sends none must not keep others out.
      const read = method === 'GET' ? NO_BODY : await bodies.read(request, maxBodyBytes)
      if (typeof read === 'string') return refuseUnread(response, read)
      body = read
      const late = gate.closed ? refusals.told(name, shuttingDown()) : admission.enter(name, rate)
      if (late !== undefined) return sendAnswer(response, late, gate.closed)
      entered = true

      const delivery = new Delivery({ method, url, headers, body })
      const answer = await receive(delivery)
      // Strangers do not use up what a sender may send.
      if (answer.outcome === 'unauthorized') rate?.giveBack()
      await turnEnd()
      sendAnswer(response, answer, gate.closed)
      log.answered(delivery, answer)
    } catch (error) {
      log.failed(error)
      sendAnswer(response, serverProblem('internal_error'), true)
    } finally {
      bodies.release(body)
      if (entered) gate.leave()
    }
  }
}

function shuttingDown(): Answer {
  return serverProblem('shutting_down', { headers: [['retry-after', '1']], outcome: 'unavailable' })
}
