import type { FastifyInstance } from 'fastify'
import type { Shown } from '../../config/redaction.js'
import { ANY_SOURCE, json, media, OPERATORS, operatorProblems, query, SOURCE } from '../../http/openapi/answers.js'
import { nullable, object, TEXT, TIME } from '../../http/openapi/json-schema.js'
import { serverProblem } from '../../http/problems.js'
import { DELIVERY, deliveryJson, isoTime } from '../../http/record-json.js'
import { jsonAnswer, linesAnswer } from '../../http/respond.js'
import { forOperators, type Refusal } from '../auth/guard.js'
import { Deliveries, type DeliveriesContext, type ListedDelivery } from '../deliveries.js'
import { PAGE_AFTER, TIME_RANGE, timeOf } from '../journal-page.js'
import { type SearchProgress, search } from '../search.js'

export interface DeliveryRoutesContext extends DeliveriesContext {
  refusal: Refusal
  shownOf(source: string): Shown
}

const LISTED = {
  source: { ...ANY_SOURCE, description: 'default: the newest of every source, one page' },
  ...TIME_RANGE,
  limit: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
  after: PAGE_AFTER,
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
  required: ['deliveries'],
  properties: {
    deliveries: { type: 'array', items: object(SUMMARY) },
    kept: {
      enum: ['accepted', 'failed', 'all', 'none'],
      description: 'which deliveries this source keeps; absent without a source',
    },
    next: { type: 'string', description: 'absent on the last page' },
  },
}

const FOUND = {
  source: ANY_SOURCE,
  ...TIME_RANGE,
  contains: { type: 'string', minLength: 1, maxLength: 200, description: 'part of a body', examples: ['4711'] },
}

const ID = { type: 'string', minLength: 1, maxLength: 1024, description: 'as in the list', examples: ['test-id'] }

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
      const { source, limit, after, ...times } = request.query as ListQuery
      const selected = { limit, since: timeOf(times.since), until: timeOf(times.until) }
      if (source === undefined) {
        if (after === undefined) return jsonAnswer({ deliveries: (await deliveries.newest(selected)).map(summaryJson) })
        return serverProblem('bad_request', { detail: 'after needs a source.' })
      }
      const { deliveries: listed, next } = await deliveries.list({ ...selected, source, after })
      const { inbox, kept } = sources.get(source)!
      return jsonAnswer({
        deliveries: listed.map(summaryJson),
        kept: inbox === undefined ? kept.which : 'accepted',
        ...(next !== undefined && { next }),
      })
    }),
  })

  app.get('/api/deliveries/search', {
    // The answer to HEAD would read every body.
    exposeHeadRoute: false,
    schema: {
      ...OPERATORS,
      summary: 'Search the bodies that sources keep',
      description:
        'A line of JSON for each 50 deliveries: `looked`, `found`, and `done` in the last. It ends when the caller goes away. Sources that hide bodies are left out.',
      ...query(FOUND, ['contains']),
      response: {
        ...media('until all are looked at', 'application/x-ndjson'),
        ...operatorProblems('not_found'),
      },
    },
    ...forOperators(refusal, async (_, request) => {
      const { source, since, until, contains } = request.query as SearchQuery
      const names = source === undefined ? [...sources.keys()] : [source]
      const shown = names.filter(name => shownOf(name).bodies)
      const selected = { sources: shown, contains, since: timeOf(since), until: timeOf(until) }
      return linesAnswer(progressJson(search(deliveries, selected)))
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
  source?: string
  since?: string
  until?: string
  limit: number
  after?: string
}

interface SearchQuery {
  source?: string
  since?: string
  until?: string
  contains: string
}

async function* progressJson(progress: AsyncIterable<SearchProgress>) {
  for await (const { found, ...rest } of progress) yield { ...rest, found: found.map(summaryJson) }
}

const summaryJson = ({ at, requestId, isWhole, ...listed }: ListedDelivery) => ({
  ...listed,
  at: isoTime(at),
  request_id: requestId,
  whole: isWhole,
})
