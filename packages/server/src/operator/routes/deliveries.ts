import type { FastifyInstance } from 'fastify'
import type { Shown } from '../../config/redaction.js'
import { json, OPERATORS, operatorProblems, query, SOURCE } from '../../http/openapi/answers.js'
import { nullable, object, TEXT, TIME } from '../../http/openapi/json-schema.js'
import { serverProblem } from '../../http/problems.js'
import { DELIVERY, deliveryJson, isoTime } from '../../http/record-json.js'
import { jsonAnswer } from '../../http/respond.js'
import { forOperators, type Refusal } from '../auth/guard.js'
import { Deliveries, type DeliveriesContext, type ListedDelivery } from '../deliveries.js'
import { TIME_RANGE, timeOf } from '../journal-page.js'

export interface DeliveryRoutesContext extends DeliveriesContext {
  refusal: Refusal
  shownOf(source: string): Shown
}

const LISTED = {
  source: SOURCE,
  ...TIME_RANGE,
  limit: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
  after: { type: 'string', description: '`next` of the page before' },
}

const SUMMARY = {
  id: TEXT,
  source: TEXT,
  key: nullable('string'),
  at: TIME,
  outcome: TEXT,
  status: nullable('integer', { description: 'that it was answered; null: an inbox accepted it' }),
  request_id: nullable('string'),
  whole: { type: 'boolean', description: 'false: its body is not kept, or not as it came' },
}

const PAGE = {
  type: 'object',
  required: ['deliveries', 'kept'],
  properties: {
    deliveries: { type: 'array', items: object(SUMMARY) },
    kept: { enum: ['accepted', 'failed', 'all', 'none'], description: 'which deliveries this source keeps' },
    next: { type: 'string', description: 'absent on the last page' },
  },
}

const ID = { type: 'string', minLength: 1, maxLength: 1024, description: 'as in the list' }

/** Deliveries that are kept with their content. Reading them changes nothing. */
export function deliveryRoutes(app: FastifyInstance, context: DeliveryRoutesContext): void {
  const { refusal, sources, shownOf } = context
  const deliveries = new Deliveries(context)

  app.get('/api/deliveries', {
    schema: {
      ...OPERATORS,
      summary: 'The deliveries that a source keeps with their content, newest first',
      description: 'An inbox keeps all that it accepted, another source what `recordDelivery` says.',
      ...query(LISTED),
      response: { ...json('a page; it may have fewer than the limit', PAGE), ...operatorProblems('not_found') },
    },
    ...forOperators(refusal, async (_, request) => {
      const { since, until, ...rest } = request.query as ListQuery
      const { deliveries: listed, next } = await deliveries.list({
        ...rest,
        since: timeOf(since),
        until: timeOf(until),
      })
      const { inbox, kept } = sources.get(rest.source)!
      return jsonAnswer({
        deliveries: listed.map(summaryJson),
        kept: inbox === undefined ? kept.which : 'accepted',
        ...(next !== undefined && { next }),
      })
    }),
  })

  app.get('/api/delivery', {
    schema: {
      ...OPERATORS,
      summary: 'A kept delivery with its content',
      description: 'Without the headers that contain secrets; what the source hides is not shown.',
      ...query({ source: SOURCE, id: ID }, ['id']),
      response: {
        ...json('the delivery', object({ ...SUMMARY, delivery: object(DELIVERY) })),
        ...operatorProblems('not_found'),
      },
    },
    ...forOperators(refusal, async (_, request) => {
      const { source, id } = request.query as { source: string; id: string }
      const found = await deliveries.find(source, id)
      if (found !== undefined) {
        return jsonAnswer({
          ...summaryJson(found.listed),
          delivery: deliveryJson(found.delivery, shownOf(source)),
        })
      }
      return serverProblem('not_found', {
        detail: `The source "${source}" keeps no delivery with this id, or not any more.`,
      })
    }),
  })
}

interface ListQuery {
  source: string
  since?: string
  until?: string
  limit: number
  after?: string
}

const summaryJson = ({ at, requestId, isWhole, ...listed }: ListedDelivery) => ({
  ...listed,
  at: isoTime(at),
  request_id: requestId,
  whole: isWhole,
})
