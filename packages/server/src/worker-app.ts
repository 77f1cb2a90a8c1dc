import type { RequestListener } from 'node:http'
import type { Receiver } from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedConfig } from './config.js'
import type { Gate } from './gate.js'
import type { Metrics } from './metrics/index.js'
import { createOperators, loggedTo } from './operator/access.js'
import { checkQueries } from './query-check.js'
import { createRouter } from './router.js'
import { healthRoutes } from './routes/health.js'
import { metricsRoute } from './routes/metrics.js'

export interface WorkerAppContext {
  config: ResolvedConfig
  receiver: Receiver
  gate: Gate
  metrics: Metrics
  log: Logger
}

/** What a worker answers: how it is. Not listening. */
export async function createWorkerApp(context: WorkerAppContext): Promise<RequestListener> {
  const { config, receiver, gate, metrics, log } = context
  const { app } = createRouter(log)
  const operators = createOperators(config.operatorAccess, loggedTo(log))
  checkQueries(app, config.sources)
  metricsRoute(app, metrics, operators.refusal)
  healthRoutes(app, { receiver, storeName: config.store.kind, gate, log })
  await app.ready()
  return (request, response) => {
    operators.see(request)
    app.routing(request, response)
  }
}
