import type { RequestListener } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { largestBody } from '../config/capacity.js'
import { ALL_SHOWN } from '../config/redaction.js'
import type { ResolvedConfig } from '../config/resolve.js'
import { EventLoopLag } from '../deliveries/event-loop-lag.js'
import type { Gate } from '../deliveries/in-flight.js'
import { LoadShedding } from '../deliveries/load-shedding.js'
import { Bodies } from '../deliveries/read-body.js'
import { deliveryRoutes } from '../deliveries/routes.js'
import { checkQueries } from '../http/query-check.js'
import { createRouter, type Route } from '../http/router.js'
import { indexRoute } from '../http/routes/index.js'
import { problemRoutes } from '../http/routes/problems.js'
import { RefusedLog } from '../journal/refused-log.js'
import type { Traces } from '../observability/telemetry/traces.js'
import { createAudit } from '../operator/audit.js'
import { createOperators, operatorLog } from '../operator/auth/access.js'
import { RecordActions } from '../operator/record-actions.js'
import { apiRecordRoutes } from '../operator/routes/api-records.js'
import { apiSourceRoute } from '../operator/routes/api-sources.js'
import { dashboardRoutes } from '../operator/routes/dashboard.js'
import { deliveryRoutes as keptDeliveryRoutes } from '../operator/routes/deliveries.js'
import { docsRoutes } from '../operator/routes/docs.js'
import { failedRoutes } from '../operator/routes/failed.js'
import { figuresRoutes } from '../operator/routes/figures.js'
import { metricsRoute } from '../operator/routes/metrics.js'
import { overviewRoutes } from '../operator/routes/overview.js'
import { refusedRoutes } from '../operator/routes/refused.js'
import { sessionRoutes } from '../operator/routes/session.js'
import { testRoutes } from '../operator/routes/test-lab.js'
import { eventRoutes } from '../operator/routes/webhook-events.js'
import { recordRoutes } from '../operator/routes/webhook-records.js'
import type { Parts } from './assemble.js'
import { healthRoutes } from './health-routes.js'

export interface AppContext extends Omit<Parts, 'opened' | 'duplicates' | 'telemetry'> {
  opened: Pick<Parts['opened'], 'store'>
  config: ResolvedConfig
  gate: Gate
  traces: Traces | undefined
}

export interface App extends RequestListener {
  /** Every route. */
  readonly routes: readonly Route[]
}

/** All routes, not listening. */
export async function createApp(context: AppContext): Promise<App> {
  const { config, opened, receiver, inbox, breakers, gate, activity, metrics, journal, journalWriter, figures, log } =
    context
  const { app, routes } = createRouter(log)
  const { sources, maxInFlight, maxBodyMemoryBytes } = config
  const eventLoop = new EventLoopLag(config.maxEventLoopDelayMs)
  const loadShedding = new LoadShedding({
    gate,
    maxInFlight,
    eventLoop,
    activity,
    cut: why => metrics.connectionCut(why),
    log,
  })
  const bodies = new Bodies(maxBodyMemoryBytes, largestBody(sources))
  metrics.countInFlight = () => gate.inProgress
  const refused = new RefusedLog(journalWriter, sources, log)
  const deliveries = deliveryRoutes(app, { ...context, ...config, loadShedding, bodies, refused })
  const operators = createOperators(config.operatorAccess, operatorLog(log))
  const { refusal } = operators
  const audit = createAudit(log, operators.mode)
  checkQueries(app, sources)
  const shownOf = (source: string) => sources.get(source)?.shown ?? ALL_SHOWN
  const records = new RecordActions({ receiver, inbox, journal, audit, shownOf })
  recordRoutes(app, records, refusal)
  eventRoutes(app, { receiver, inbox, records, refusal, audit, shownOf })
  await app.register(async api => {
    parseJson(api)
    sessionRoutes(api, { operators, audit })
    apiRecordRoutes(api, { receiver, journal, config, records, refusal })
    apiSourceRoute(api, { sources, activity, refusal })
    overviewRoutes(api, { activity, gate, refusal })
    keptDeliveryRoutes(api, { receiver, sources, journal, refusal, shownOf })
    failedRoutes(api, { ...context, sources, refusal, audit, shownOf })
    figuresRoutes(api, { journal, figures, breakers, sources, refusal })
    refusedRoutes(api, { ...context, sources, refusal, audit })
    testRoutes(api, { ...context, store: opened.store, sources, refused, operators, audit })
  })
  metricsRoute(app, metrics, refusal)
  docsRoutes(app, routes, refusal)
  healthRoutes(app, { receiver, storeName: config.store.kind, gate, log })
  problemRoutes(app)
  dashboardRoutes(app)
  indexRoute(app, config)
  await app.ready()
  const onRequest: RequestListener = (request, response) => {
    operators.observe(request)
    const deliver = request.method === 'POST' ? deliveries.get(request.url!) : undefined
    if (deliver === undefined) app.routing(request, response)
    else deliver(request, response)
  }
  return Object.assign(onRequest, { routes })
}

const MAX_JSON_BYTES = 16_384

/** Operators send JSON or nothing. A request is authorised before its body is read. */
function parseJson(api: FastifyInstance): void {
  api.removeAllContentTypeParsers()
  const parse = api.getDefaultJsonParser('error', 'error')
  api.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: MAX_JSON_BYTES },
    (request, body, done) => (body === '' ? done(null, null) : parse(request, body as string, done)),
  )
}
