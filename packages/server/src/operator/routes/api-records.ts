import type { FastifyInstance } from 'fastify'
import type { Receiver, RecordSummary, RedriveOptions } from 'hookonce'
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
import type { RecordActions } from '../record-actions.js'
import { recordPage } from '../record-page.js'

export interface ApiRecordContext {
  receiver: Receiver
  records: RecordActions
  refusal: Refusal
}

/** In the query: URL parsers take a path segment of dots for a way up, encoded or not. */
const NAMED = { source: SOURCE, key: KEY }

const LISTED = {
  source: ANY_SOURCE,
  state: { enum: STATES },
  label: { type: 'string', description: 'records with exactly this label' },
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
export function apiRecordRoutes(app: FastifyInstance, { receiver, records, refusal }: ApiRecordContext): void {
  const list = forOperators(refusal, async (_, request) => {
    const { source, ...rest } = request.query as ListQuery
    const page = await pageOf(receiver, { ...rest, ...(source !== undefined && { scope: source }) })
    return jsonAnswer({ records: page.records.map(record => recordSummary.json(record)), next: page.next })
  })
  app.get('/api/records', {
    schema: {
      ...OPERATORS,
      summary: 'Records, newest first where the store has an order',
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

interface ListQuery {
  source?: string
  state?: RecordSummary['state']
  label?: string
  limit: number
  after?: string
}

/** A filter may match few records: after this time the page ends with what was found, and a `next`. */
const PAGE_MS = 40

async function pageOf(receiver: Receiver, { limit, after, ...query }: ListQuery & { scope?: string }) {
  const records: RecordSummary[] = []
  let next = after
  const until = performance.now() + PAGE_MS
  do {
    const page = await recordPage(receiver, {
      ...query,
      limit: limit - records.length,
      ...(next !== undefined && { after: next }),
    })
    records.push(...page.records)
    next = page.next
  } while (next !== undefined && records.length < limit && performance.now() < until)
  return { records, next }
}
