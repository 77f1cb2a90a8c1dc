import type { FastifyInstance } from 'fastify'
import { compressed } from '../../http/compress.js'
import { OPERATORS, operatorProblems } from '../../http/openapi/answers.js'
import { textAnswer } from '../../http/respond.js'
import type { Metrics } from '../../observability/metrics/index.js'
import { forOperators, type Refusal } from '../auth/guard.js'

/** The metrics in Prometheus' text format. */
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
    ...forOperators(refusal, async (_, { raw }) => {
      await metrics.refresh()
      return compressed(raw, textAnswer(registry.contentType, await registry.metrics()))
    }),
  })
}
