import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics/index.js'
import { forOperators, type Refusal } from '../operator-routes.js'
import { textAnswer } from '../respond.js'

/** For Prometheus: every metric in its text format. */
export function metricsRoute(app: FastifyInstance, metrics: Metrics, refusal: Refusal): void {
  const { registry } = metrics.instruments
  app.get(
    '/metrics',
    forOperators(refusal, async () => {
      await metrics.refresh()
      return textAnswer(registry.contentType, await registry.metrics())
    }),
  )
}
