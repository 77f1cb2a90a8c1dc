import type { FastifyInstance } from 'fastify'
import type { Answer, Inbox, Receiver, RecordSummary } from 'hookonce'
import type { Shown } from '../../config/redaction.js'
import {
  FORCE,
  json,
  KEY,
  MADE_ON_PURPOSE,
  OPERATORS,
  operatorProblems,
  query,
  SOURCE,
} from '../../http/openapi/answers.js'
import { ref, STATES } from '../../http/openapi/schemas.js'
import { serverProblem } from '../../http/problems.js'
import { jsonAnswer } from '../../http/respond.js'
import type { Audit } from '../audit.js'
import { changeForOperators, forOperators, type Refusal } from '../auth/guard.js'
import { detail, summarize } from '../record-json.js'
import { recordPage } from '../record-page.js'
import { deletion, noRecord } from './webhook-records.js'

export interface ApiRecordContext {
  receiver: Receiver
  inbox: Inbox
  refusal: Refusal
  audit: Audit
  shownOf(source: string): Shown
}

const KEYED = { ...OPERATORS, params: { type: 'object', properties: { key: KEY } } }

const LISTED = {
  source: { type: 'string', description: 'default: of every source', examples: ['default'] },
  state: { enum: STATES },
  label: { type: 'string', description: 'of records with just this label' },
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
  properties: { completed: { type: 'boolean', description: 'also if it is completed: it is processed once more' } },
}

/** What an operator's page and tools look at and change records by. */
export function apiRecordRoutes(app: FastifyInstance, context: ApiRecordContext): void {
  const { receiver, inbox, refusal, audit, shownOf } = context

  const list = forOperators(refusal, async (_, request) => {
    const { source, ...rest } = request.query as ListQuery
    const { records, next } = await pageOf(receiver, { ...rest, ...(source !== undefined && { scope: source }) })
    return jsonAnswer({ records: records.map(summarize), ...(next !== undefined && { next }) })
  })
  app.get('/api/records', {
    schema: {
      ...OPERATORS,
      summary: 'Records, newest first where the store has an order',
      ...query(LISTED),
      response: { ...json('a page; it may hold fewer than asked for', PAGE), ...operatorProblems('not_found') },
    },
    ...list,
  })

  app.get('/api/records/:key', {
    schema: {
      ...KEYED,
      summary: 'A record in full',
      ...query({ source: SOURCE }),
      response: { ...json('the record', 'Record'), ...operatorProblems('not_found') },
    },
    ...forOperators(refusal, async (_, request) => {
      const { key, source } = nameIn(request)
      const record = await receiver.record(source, key)
      return record === undefined ? noRecord(source) : jsonAnswer(detail(record, shownOf(source)))
    }),
  })

  app.delete('/api/records/:key', {
    schema: {
      ...KEYED,
      summary: 'Forget a key',
      ...query({ source: SOURCE, force: FORCE }),
      ...MADE_ON_PURPOSE,
      response: { ...json('it is forgotten', 'Cleared'), ...operatorProblems('not_found', 'record_running') },
    },
    ...changeForOperators(refusal, async (_, request) => {
      const { key, source } = nameIn(request)
      const outcome = await receiver.deleteRecord(source, key, { force: (request.query as Forced).force === 'true' })
      audit(request.raw, { action: 'delete', source, key, outcome })
      return deletion(outcome, source, key)
    }),
  })

  app.post('/api/records/:key/redrive', {
    schema: {
      ...KEYED,
      summary: 'A new round of attempts for an accepted delivery that is dead',
      ...query({ source: SOURCE }),
      body: REDRIVE,
      response: {
        ...json('it is due now', 'Redriven'),
        ...operatorProblems('not_found', 'record_running', 'record_completed', 'media_type_invalid', 'body_too_large'),
      },
    },
    ...changeForOperators(refusal, async (_, request) => {
      const { key, source } = nameIn(request)
      const { completed = false } = (request.body ?? {}) as { completed?: boolean }
      const outcome = await inbox.redrive(source, key, { completed })
      audit(request.raw, { action: 'redrive', source, key, outcome })
      return redriveAnswer(outcome, source, key)
    }),
  })
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

function nameIn(request: { params: unknown; query: unknown }): { key: string; source: string } {
  const { source } = request.query as { source: string }
  return { ...(request.params as { key: string }), source }
}

function redriveAnswer(outcome: Awaited<ReturnType<Inbox['redrive']>>, source: string, key: string): Answer {
  switch (outcome) {
    case 'redriven':
      return jsonAnswer({ status: 'redriven', key })
    case 'busy':
      return serverProblem('record_running', { detail: 'Attempts of this delivery are still to come.' })
    case 'completed':
      return serverProblem('record_completed', { detail: 'To process it once more: {"completed": true}' })
    case 'absent':
      return serverProblem('not_found', {
        detail: `Nothing was accepted for this key of the source "${source}". Only what an inbox accepted can be redriven.`,
      })
  }
}

/** For so long pages of the store are looked at for one page of the answer, which may then have few records, and a next. */
const LOOK_MS = 40

async function pageOf(receiver: Receiver, { limit, after, ...query }: ListQuery & { scope?: string }) {
  const records: RecordSummary[] = []
  let next = after
  const until = performance.now() + LOOK_MS
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
