import type { RequestListener } from 'node:http'
import type { Receiver } from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedConfig } from '../config/resolve.js'
import type { Gate } from '../deliveries/in-flight.js'
import { checkQueries } from '../http/query-check.js'
import { createRouter } from '../http/router.js'
import type { Metrics } from '../observability/metrics/index.js'
import { createOperators, operatorLog } from '../operator/auth/access.js'
import { metricsRoute } from '../operator/routes/metrics.js'
import { healthRoutes } from './health-routes.js'

export interface WorkerAppContext {
  config: ResolvedConfig
  receiver: Receiver
  gate: Gate
  metrics: Metrics
  log: Logger
}

/** The routes of a worker: health and metrics. Not listening. */
export async function createWorkerApp(context: WorkerAppContext): Promise<RequestListener> {
  const { config, receiver, gate, metrics, log } = context
  const { app } = createRouter(log)
  const operators = createOperators(config.operatorAccess, operatorLog(log))
  checkQueries(app, config.sources)
  metricsRoute(app, metrics, operators.refusal)
  healthRoutes(app, { receiver, storeName: config.store.kind, gate, log })
  await app.ready()
  return (request, response) => {
    operators.observe(request)
    app.routing(request, response)
  }
}
