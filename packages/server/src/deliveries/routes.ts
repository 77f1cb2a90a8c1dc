import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Answer, Delivery, type Handler, type Source } from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedConfig, ResolvedSource } from '../config/resolve.js'
import { keyIn } from '../config/source-key.js'
import { KEYLESS } from '../config/source-names.js'
import { deliverySchema, HANDSHAKE } from '../http/openapi/deliveries.js'
import { serverProblem } from '../http/problems.js'
import { requestIdFor } from '../http/request-id.js'
import { sendAnswer } from '../http/send-answer.js'
import { TokenBucket } from '../http/token-bucket.js'
import { KeptDeliveries } from '../journal/kept-deliveries.js'
import type { RefusedLog } from '../journal/refused-log.js'
import type { Activity } from '../observability/activity/index.js'
import { handshakeHandlerFor } from './handlers/index.js'
import { hasPassed } from './handlers/loop.js'
import type { Gate } from './in-flight.js'
import type { LoadShedding } from './load-shedding.js'
import { DeliveryLog } from './log.js'
import type { Bodies } from './read-body.js'
import { mountedSource, type SourceContext } from './sources.js'
import { nextWriteBatch } from './write-batch.js'

export interface DeliveryContext extends SourceContext {
  sources: Map<string, ResolvedSource>
  allowNoIdempotency: boolean
  gate: Gate
  loadShedding: LoadShedding
  bodies: Bodies
  activity: Activity
  refused: RefusedLog
  log: Logger
  logDeliveries: ResolvedConfig['logDeliveries']
  logKeys: ResolvedConfig['logKeys']
  logFormat: ResolvedConfig['logFormat']
}

const NO_BODY = Buffer.alloc(0)

type Receive = (delivery: Delivery, handler: Handler) => Promise<Answer>

type DeliveryListener = (request: IncomingMessage, response: ServerResponse) => void

/** Registers the delivery routes. Returns the listener of each path, which answers without the framework (ADR 7). */
export function deliveryRoutes(app: FastifyInstance, context: DeliveryContext): ReadonlyMap<string, DeliveryListener> {
  const listeners = new Map<string, DeliveryListener>()
  for (const [name, configured] of context.sources) {
    const { options, ratePerSecond } = configured
    const { sender } = options
    const route = (path: string, answer: DeliveryListener, keyed = true) => {
      listeners.set(path, answer)
      const onRequest = takeOver(answer)
      app.post(path, { schema: deliverySchema(name, configured, keyed), onRequest }, unreached)
      // Some senders verify the endpoint by GET before they send the first event.
      if (sender?.unsignedHandshake) app.get(path, { schema: HANDSHAKE, onRequest, exposeHeadRoute: false }, unreached)
      if (handshakes === undefined) return
      const route = { schema: HANDSHAKE, onRequest: takeOver(handshakes), exposeHeadRoute: false, handler: unreached }
      app.route({ method: ['GET', 'HEAD', 'OPTIONS'], url: path, ...route })
    }
    const mounted = mountedSource(name, configured, context)
    const { source } = mounted
    const rate = ratePerSecond === undefined ? undefined : new TokenBucket(ratePerSecond, performance.now())
    const answererOf = (source: Source, receive: Receive, log: DeliveryLog, kept?: KeptDeliveries) => {
      const handler = log.numbered(mounted.handler)
      const traced = context.traces?.delivery(name, receive, handler)
      return deliveryAnswerer(
        configured,
        source,
        traced ?? (delivery => receive(delivery, handler)),
        rate,
        log,
        kept,
        context,
      )
    }
    const log = new DeliveryLog(name, delivery => keyIn(configured, delivery), context.log, context)
    const keylessLog = new DeliveryLog(name, () => null, context.log, context)
    const forwardHandshake = handshakeHandlerFor(configured, source.maxResponseBytes, context)
    const receiveHandshake: Receive = async delivery => {
      const { status, headers, body, rest, reason } = await forwardHandshake!(delivery)
      const { requestId } = delivery
      if (reason !== undefined)
        context.log.warn({ source: name, requestId, reason }, 'the application did not answer the handshake')
      const answer: Answer = { status, headers, body, outcome: status < 500 ? 'handshake' : 'failed' }
      return context.activity.answered(name, rest === undefined ? answer : { ...answer, rest })
    }
    const handshakes = forwardHandshake && answererOf(source, receiveHandshake, keylessLog)
    const kept = new KeptDeliveries(context.journalWriter, name, configured, context.log)
    const answer = answererOf(source, (delivery, handler) => source.receive(delivery, handler), log, kept)
    route(`/hooks/${name}`, answer)
    if (name !== 'default') continue
    route('/webhook', answer)
    if (!context.allowNoIdempotency) continue
    const { retentionMs, keyRequired, ...rules } = options
    const keyless = context.receiver.source({ ...rules, name: KEYLESS, keyed: false })
    const receive: Receive = (delivery, handler) => keyless.receive(delivery, handler)
    route(KEYLESS, answererOf(keyless, receive, keylessLog), false)
  }
  return listeners
}

/** Answers before Fastify reads the body: a delivery is its raw bytes, whatever its Content-Type. */
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
  { options: { name }, handle }: ResolvedSource,
  source: Source,
  receive: (delivery: Delivery) => Promise<Answer>,
  rate: TokenBucket | undefined,
  log: DeliveryLog,
  kept: KeptDeliveries | undefined,
  { gate, loadShedding, bodies, activity, traces, refused: refusedLog }: DeliveryContext,
): DeliveryListener {
  const { maxBodyBytes } = source
  const forwards = typeof handle === 'object' && handle.kind === 'forward'

  /** The refusal of a delivery by its head, before its body is read. */
  function refusalOf(request: IncomingMessage, requestId: string): Answer | undefined {
    const { method = 'POST', url = '', rawHeaders: headers } = request
    if (gate.closed) return activity.answered(name, shuttingDown())
    const refused = loadShedding.refusal(name, requestId) ?? source.refusal({ method, url, headers })
    if (refused !== undefined) return refused
    if (forwards && hasPassed(name, request.headers.via)) return activity.answered(name, serverProblem('loop_detected'))
    return undefined
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const at = performance.now()
    const requestId = requestIdFor(request)
    const send = (answer: Answer, isLast = gate.closed) => sendAnswer(response, answer, requestId, isLast)
    const { method = 'POST', url = '', rawHeaders: headers } = request
    const refuse = (answer: Answer, isLast?: boolean) => {
      send(answer, isLast)
      log.answered({ method, requestId, startedAt: at }, answer)
      refusedLog.note(name, { request, requestId }, answer)
    }
    let entered = false
    let body: Buffer = NO_BODY
    try {
      const refused = refusalOf(request, requestId)
      if (refused !== undefined) return refuse(refused)
      // A delivery is in flight only once its body is complete: slow senders take no capacity from others.
      const read = method === 'POST' ? await bodies.read(request, maxBodyBytes) : NO_BODY
      if (read === 'gone') return
      if (read === 'too_large') return refuse(source.tooLarge())
      if (typeof read === 'string') return refuse(loadShedding.unread(name, read, requestId), true)
      body = read
      const late = gate.closed ? activity.answered(name, shuttingDown()) : loadShedding.enter(name, rate, requestId)
      if (late !== undefined) return refuse(late)
      entered = true

      const delivery = new Delivery({ method, url, headers, body, requestId })
      const answer = await receive(delivery)
      // Deliveries that are not the sender's do not count against its rate limit.
      if (answer.outcome === 'unauthorized') rate?.giveBack()
      log.answered({ method, requestId, startedAt: at, delivery, traced: traces?.of(delivery) }, answer)
      refusedLog.note(name, { request, requestId, body }, answer)
      // An operator finds what its sender is told failed.
      const keeping = kept?.answered(delivery, answer)
      if (keeping !== undefined) await keeping
      await nextWriteBatch()
      send(answer)
    } catch (error) {
      log.failed(error, requestId, at)
      sendAnswer(response, serverProblem('internal_error'), requestId, true)
    } finally {
      bodies.release(body)
      if (entered) gate.leave()
    }
  }
}

function shuttingDown(): Answer {
  return serverProblem('shutting_down', { headers: [['retry-after', '1']], outcome: 'unavailable' })
}
