import type { FastifyInstance } from 'fastify'
import type { RedriveOptions } from 'hookonce'
import {
  ANY_SOURCE,
  FORCE,
  json,
  KEY,
  OPERATOR_HEADER,
  OPERATORS,
  operatorProblems,
  query,
  SOURCE,
} from '../../http/openapi/answers.js'
import { ref } from '../../http/openapi/schemas.js'
import { fullRecord, recordSummary, STATES } from '../../http/record-json.js'
import { jsonAnswer } from '../../http/respond.js'
import { changeForOperators, forOperators, type Refusal } from '../auth/guard.js'
import { TIME_RANGE, timeOf } from '../journal-page.js'
import type { RecordActions } from '../record-actions.js'
import { type RecordQuery, type RecordSearchContext, searchRecords } from '../record-search.js'

export interface ApiRecordContext extends RecordSearchContext {
  records: RecordActions
  refusal: Refusal
}

const FILTER = { type: 'string', minLength: 1, maxLength: 200 }

/** In the query: URL parsers take a path segment of dots for a way up, encoded or not. */
const NAMED = { source: SOURCE, key: KEY }

const LISTED = {
  source: ANY_SOURCE,
  state: { enum: STATES },
  label: { type: 'string', description: 'records with exactly this label' },
  type: { ...FILTER, description: 'the beginning of the type of the event', examples: ['invoice.'] },
  key_prefix: { ...FILTER, description: 'the beginning of the key', examples: ['order-'] },
  term: { ...FILTER, description: 'a term that `index` of the source made, the whole of it', examples: ['4711'] },
  error: { ...FILTER, description: 'part of the last error', examples: ['ECONNREFUSED'] },
  since: { ...TIME_RANGE.since, description: 'its first attempt began at this time or later: 2030-01-31T12:00:00Z' },
  until: { ...TIME_RANGE.until, description: 'its first attempt began before this time' },
  order: { enum: ['newest'], description: 'on every store, if need be without what the index does not have' },
  limit: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
  after: { type: 'string', description: '`next` of the page before' },
}

const PAGE = {
  type: 'object',
  required: ['records'],
  properties: {
    records: { type: 'array', items: ref('RecordSummary') },
    next: { type: 'string', description: 'absent on the last page' },
  },
}

const REDRIVE = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    completed: { type: 'boolean', description: 'also if it is completed: it is processed again' },
    waiting: { type: 'boolean', description: 'also if it waits for its next attempt: that is due at once' },
  },
}

/** Records for the dashboard and for tools. */
export function apiRecordRoutes(app: FastifyInstance, context: ApiRecordContext): void {
  const { records, refusal } = context
  const list = forOperators(refusal, async (_, request) => {
    const { key_prefix: key, since, until, ...rest } = request.query as ListQuery
    const page = await searchRecords(context, { ...rest, key, since: timeOf(since), until: timeOf(until) })
    return jsonAnswer({ records: page.records.map(record => recordSummary.json(record)), next: page.next })
  })
  app.get('/api/records', {
    schema: {
      ...OPERATORS,
      summary: 'Records, newest first where the store has an order',
      description:
        'With `type`, `key_prefix`, `term`, `error`, `since` or `until` by the index of events: those whose first attempt began while it was kept. Redis lists without them in no order, and with `order=newest` by the index.',
      ...query(LISTED),
      response: { ...json('a page; it may have fewer records than the limit', PAGE), ...operatorProblems('not_found') },
    },
    ...list,
  })

  app.get('/api/record', {
    schema: {
      ...OPERATORS,
      summary: 'A record in full',
      ...query(NAMED, ['key']),
      response: { ...json('the record', 'Record'), ...operatorProblems('not_found') },
    },
    ...forOperators(refusal, async (_, request) => {
      const { key, source } = request.query as Named
      return records.show(source, key, fullRecord)
    }),
  })

  app.delete('/api/record', {
    schema: {
      ...OPERATORS,
      summary: 'Delete a record',
      ...query({ ...NAMED, force: FORCE }, ['key']),
      ...OPERATOR_HEADER,
      response: { ...json('it is deleted', 'Cleared'), ...operatorProblems('not_found', 'record_running') },
    },
    ...changeForOperators(refusal, async (_, request) => {
      const { key, source, force } = request.query as Named & Forced
      return records.delete(request, source, key, force === 'true')
    }),
  })

  app.post('/api/record/redrive', {
    schema: {
      ...OPERATORS,
      summary: 'A new round of attempts for an accepted delivery that is dead, or its next attempt at once',
      ...query(NAMED, ['key']),
      body: REDRIVE,
      response: {
        ...json('it is due now', 'Redriven'),
        ...operatorProblems('not_found', 'record_running', 'record_completed', 'media_type_invalid', 'body_too_large'),
      },
    },
    ...changeForOperators(refusal, async (_, request) => {
      const { key, source } = request.query as Named
      return records.redrive(request, source, key, (request.body ?? {}) as RedriveOptions)
    }),
  })
}

interface Named {
  source: string
  key: string
}

interface Forced {
  force?: 'true' | 'false'
}

interface ListQuery extends Omit<RecordQuery, 'key' | 'since' | 'until'> {
  key_prefix?: string
  since?: string
  until?: string
}
