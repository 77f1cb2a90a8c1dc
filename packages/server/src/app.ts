import type { RequestListener } from 'node:http'
import Fastify, { type FastifyError } from 'fastify'
import { type Answer, type Inbox, InvalidKeyError, problem, type Receiver, StoreError } from 'hookonce'
import type { Logger } from 'pino'
import type { Agent } from 'undici'
import { Admission } from './admission.js'
import type { ResolvedConfig } from './config.js'
import { EventLoopWatch } from './event-loop-watch.js'
import type { Gate } from './gate.js'
import type { Metrics } from './metrics/index.js'
import { operatorGuard } from './operator-access.js'
import { serverProblem } from './problems.js'
import { respond } from './respond.js'
import { deliveryRoutes } from './routes/deliveries.js'
import { eventRoutes } from './routes/events.js'
import { healthRoutes } from './routes/health.js'
import { indexRoute } from './routes/index.js'
import { metricsRoute } from './routes/metrics.js'
import { problemRoutes } from './routes/problems.js'
import { recordRoutes } from './routes/records.js'
import type { Tracing } from './telemetry/tracing.js'

export interface AppContext {
  config: ResolvedConfig
  receiver: Receiver
  inbox: Inbox
  gate: Gate
  /** Connections to the applications that deliveries are forwarded to. */
  agent: Agent
  metrics: Metrics
  tracing?: Tracing | undefined
  log: Logger
}

/** A key of 255 bytes, every one of them percent-encoded. */
const MAX_PARAM_LENGTH = 3 * 255

/** All routes, not listening. */
export async function createApp(context: AppContext): Promise<RequestListener> {
  const { config, receiver, inbox, gate, agent, metrics, tracing, log } = context
  const answerError = (error: unknown): Answer => {
    const answer = problemFor(error)
    if (answer.status >= 500) log.error({ err: error }, 'request not answered')
    return answer
  }
  const app = Fastify({
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, _, reply) => respond(reply, answerError(error)),
  })
  const methods = new MethodsByPath()
  app.addHook('onRoute', ({ url, method }) => methods.add(url, method))
  // Bodies matter to deliveries only, and those read them themselves.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler((error, _, reply) => respond(reply, answerError(error)))
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods.of(request.raw.url!)
    respond(
      reply,
      allowed === undefined
        ? serverProblem('not_found')
        : serverProblem('method_not_allowed', { detail: `Allowed: ${allowed}.`, headers: [['allow', allowed]] }),
    )
  })

  const { sources, allowNoIdempotency, maxInFlight } = config
  const eventLoop = new EventLoopWatch(config.maxEventLoopDelayMs)
  const admission = new Admission({ gate, maxInFlight, eventLoop, metrics, log })
  metrics.countInFlight = () => gate.inProgress
  const deliveries = deliveryRoutes(app, {
    receiver,
    inbox,
    sources,
    allowNoIdempotency,
    gate,
    admission,
    metrics,
    tracing,
    agent,
    log,
  })
  const refusal = operatorGuard(config.operatorAccess)
  metricsRoute(app, metrics, refusal)
  recordRoutes(app, { receiver, refusal })
  eventRoutes(app, { receiver, inbox, refusal, log })
  healthRoutes(app, { receiver, storeName: config.store.kind, gate, log })
  problemRoutes(app)
  indexRoute(app, config)
  await app.ready()
  return (request, response) => {
    const deliver = request.method === 'POST' ? deliveries.get(request.url!) : undefined
    if (deliver === undefined) app.routing(request, response)
    else deliver(request, response)
  }
}

/** Says what went wrong without telling anything of the inside. */
function problemFor(error: unknown): Answer {
  if (error instanceof StoreError) return problem('store_unavailable', { retryAfterMs: 1000 })
  if (error instanceof InvalidKeyError) return problem('key_invalid', { detail: error.message })
  if (error instanceof URIError) return serverProblem('bad_request', { detail: 'The path is not well encoded.' })
  const { statusCode } = error as FastifyError
  if (statusCode === 415) return serverProblem('media_type_invalid')
  return statusCode !== undefined && statusCode < 500 ? serverProblem('bad_request') : serverProblem('internal_error')
}

/** Which methods a path has: a router says only that the one asked for is not among them. */
class MethodsByPath {
  readonly #routes = new Map<string, { matches: RegExp; methods: Set<string> }>()

  add(url: string, method: string | string[]): void {
    let route = this.#routes.get(url)
    if (route === undefined) {
      const pattern = url.replace(/[.+]/g, '\\$&').replace(/:\w+/g, '[^/]+').replace(/\*$/, '.*')
      route = { matches: new RegExp(`^${pattern}$`), methods: new Set() }
      this.#routes.set(url, route)
    }
    for (const each of [method].flat()) route.methods.add(each)
  }

  /** The `Allow` header's value. */
  of(url: string): string | undefined {
    const path = url.split('?', 1)[0]!
    for (const { matches, methods } of this.#routes.values()) {
      if (matches.test(path)) return [...methods].sort().join(', ')
    }
    return undefined
  }
}
