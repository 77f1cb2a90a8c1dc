import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics/index.js'
import { OPERATORS, operatorProblems } from '../openapi/answers.js'
import { forOperators, type Refusal } from '../operator/routes.js'
import { textAnswer } from '../respond.js'

/** For Prometheus: every metric in its text format. */
export function metricsRoute(app: FastifyInstance, metrics: Metrics, refusal: Refusal): void {
  const { registry } = metrics.instruments
  app.get('/metrics', {
    schema: {
      ...OPERATORS,
      summary: 'Metrics for Prometheus',
      response: {
        200: { description: "in Prometheus' text format", content: { 'text/plain': { schema: { type: 'string' } } } },
        ...operatorProblems(),
      },
    },
    ...forOperators(refusal, async () => {
      await metrics.refresh()
      return textAnswer(registry.contentType, await registry.metrics())
    }),
  })
}
