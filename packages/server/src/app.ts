import type { RequestListener } from 'node:http'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { type Answer, type Inbox, InvalidKeyError, problem, type Receiver, StoreError } from 'hookonce'
import type { Logger } from 'pino'
import type { Agent } from 'undici'
import type { Activity } from './activity/index.js'
import { Admission } from './admission.js'
import type { ResolvedConfig } from './config.js'
import { EventLoopWatch } from './event-loop-watch.js'
import type { Gate } from './gate.js'
import type { Metrics } from './metrics/index.js'
import { describeRoutes } from './openapi/document.js'
import { InvalidRequest } from './openapi/validation.js'
import { createOperators } from './operator/access.js'
import { createAudit } from './operator/audit.js'
import { peerOf } from './operator/origin.js'
import { serverProblem } from './problems.js'
import { Refusals } from './refusals.js'
import { respond } from './respond.js'
import { apiRecordRoutes } from './routes/api-records.js'
import { apiSourceRoute } from './routes/api-sources.js'
import { dashboardRoutes } from './routes/dashboard.js'
import { deliveryRoutes } from './routes/deliveries.js'
import { docsRoutes } from './routes/docs.js'
import { eventRoutes } from './routes/events.js'
import { healthRoutes } from './routes/health.js'
import { indexRoute } from './routes/index.js'
import { metricsRoute } from './routes/metrics.js'
import { overviewRoutes } from './routes/overview.js'
import { problemRoutes } from './routes/problems.js'
import { recordRoutes } from './routes/records.js'
import { sessionRoutes } from './routes/session.js'
import { testDeliveryRoute } from './routes/test-delivery.js'
import { ALL_SHOWN } from './shown.js'
import type { Tracing } from './telemetry/tracing.js'

export interface AppContext {
  config: ResolvedConfig
  receiver: Receiver
  inbox: Inbox
  gate: Gate
  /** Connections to the applications that deliveries are forwarded to. */
  agent: Agent
  activity: Activity
  metrics: Metrics
  tracing?: Tracing | undefined
  log: Logger
}

/** A key of 255 bytes, every one of them percent-encoded. */
const MAX_PARAM_LENGTH = 3 * 255

export interface Route {
  method: string
  url: string
  /** Whether it is closed to all but operators. */
  operators: boolean
}

export interface App extends RequestListener {
  /** Every route that there is. */
  readonly routes: readonly Route[]
}

/** All routes, not listening. */
export async function createApp(context: AppContext): Promise<App> {
  const { config, receiver, inbox, gate, agent, activity, metrics, tracing, log } = context
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
  const routes: Route[] = []
  app.addHook('onRoute', ({ url, method, config }) => {
    methods.add(url, method)
    for (const each of [method].flat()) routes.push({ method: each, url, operators: config?.operators === true })
  })
  await describeRoutes(app)
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
  const refusals = new Refusals(metrics, activity)
  const admission = new Admission({ gate, maxInFlight, eventLoop, refusals, log })
  metrics.countInFlight = () => gate.inProgress
  const deliveries = deliveryRoutes(app, {
    receiver,
    inbox,
    sources,
    allowNoIdempotency,
    gate,
    admission,
    refusals,
    tracing,
    agent,
    log,
  })
  const operators = createOperators(config.operatorAccess, {
    onWrongToken: request => log.warn({ peer: peerOf(request) }, 'wrong operator token'),
  })
  const { refusal } = operators
  const audit = createAudit(log, operators.mode)
  const shownOf = (source: string) => sources.get(source)?.shown ?? ALL_SHOWN
  recordRoutes(app, { receiver, refusal, audit, shownOf })
  eventRoutes(app, { receiver, inbox, refusal, audit, shownOf })
  await app.register(async api => {
    takeJson(api)
    sessionRoutes(api, { operators, audit })
    apiRecordRoutes(api, { receiver, inbox, sources, refusal, audit, shownOf })
    apiSourceRoute(api, { sources, activity, refusal })
    overviewRoutes(api, { activity, gate, refusal })
    testDeliveryRoute(api, { receiver, inbox, agent, log, sources, refusal, audit })
  })
  metricsRoute(app, metrics, refusal)
  docsRoutes(app, refusal)
  healthRoutes(app, { receiver, storeName: config.store.kind, gate, log })
  problemRoutes(app)
  dashboardRoutes(app)
  indexRoute(app, config)
  await app.ready()
  const onRequest: RequestListener = (request, response) => {
    const deliver = request.method === 'POST' ? deliveries.get(request.url!) : undefined
    if (deliver === undefined) app.routing(request, response)
    else deliver(request, response)
  }
  return Object.assign(onRequest, { routes })
}

const MOST_JSON_BYTES = 2 * 1_048_576

/** Operators send JSON or nothing. */
function takeJson(api: FastifyInstance): void {
  api.removeAllContentTypeParsers()
  const parse = api.getDefaultJsonParser('error', 'error')
  api.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: MOST_JSON_BYTES },
    (request, body, done) => (body === '' ? done(null, null) : parse(request, body as string, done)),
  )
}

/** Says what went wrong without telling anything of the inside. */
function problemFor(error: unknown): Answer {
  if (error instanceof StoreError) return problem('store_unavailable', { retryAfterMs: 1000 })
  if (error instanceof InvalidKeyError) return problem('key_invalid', { detail: error.message })
  if (error instanceof URIError) return serverProblem('bad_request', { detail: 'The path is not well encoded.' })
  if (error instanceof InvalidRequest) return serverProblem('bad_request', { detail: `${error.message}.` })
  const { statusCode } = error as FastifyError
  if (statusCode === 413) return problem('body_too_large', { outcome: 'invalid' })
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
