import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Answer, Inbox, ListQuery, Receiver, RecordSummary } from 'hookonce'
import type { Shown } from '../../config/redaction.js'
import { json, media, OPERATORS, operatorProblems, query } from '../../http/openapi/answers.js'
import { ref } from '../../http/openapi/schemas.js'
import { serverProblem } from '../../http/problems.js'
import { eventSummary, STATES } from '../../http/record-json.js'
import { jsonAnswer, linesAnswer } from '../../http/respond.js'
import type { Audit, Change } from '../audit.js'
import { forOperators, type Refusal } from '../auth/guard.js'
import { countDead, type DeadSelection, type RedriveProgress, redriveDead } from '../dead-letters.js'
import { fullEvents } from '../full-events.js'
import { PAGE_AFTER, TIME_RANGE, timeOf } from '../journal-page.js'
import type { RecordActions } from '../record-actions.js'
import { recordPage } from '../record-page.js'

export interface EventContext {
  receiver: Receiver
  inbox: Inbox
  records: RecordActions
  refusal: Refusal
  audit: Audit
  shownOf(source: string): Shown
}

const SELECTED = {
  source: { type: 'string' },
  ...TIME_RANGE,
  limit: { type: 'integer', minimum: 1, maximum: 10_000_000 },
}
const LISTED = {
  ...SELECTED,
  state: { enum: STATES },
  after: PAGE_AFTER,
  bodies: { type: 'boolean', description: 'events in full; a page then ends after 8 MiB' },
}
const REDRIVEN = {
  ...SELECTED,
  key: { type: 'string', description: 'one delivery; only `source` may go with it' },
  error: { type: 'string', description: 'part of the last error' },
  dry_run: { type: 'boolean', description: 'true: only count them', examples: [true] },
  confirm: {
    type: 'string',
    pattern: '^(all|0|[1-9][0-9]{0,8})$',
    description: 'of many: their number, from a dry run, or `all`',
  },
}
const COUNTED = { type: 'object', required: ['would_redrive'], properties: { would_redrive: { type: 'integer' } } }
const EVENTS = {
  type: 'object',
  required: ['events', 'next'],
  properties: {
    events: { type: 'array', items: { anyOf: [ref('Event'), ref('IdempotencyRecord')] } },
    next: { type: ['string', 'null'] },
  },
}
const PAGE = 50
const MAX_PER_PAGE = 500

/** For operators: the deliveries that an inbox accepted, and the redrive of dead ones. */
export function eventRoutes(app: FastifyInstance, context: EventContext): void {
  const { receiver, inbox, records, refusal, shownOf } = context
  app.get('/webhook/events', {
    schema: {
      ...OPERATORS,
      summary: 'Accepted deliveries, newest first',
      ...query(LISTED),
      response: {
        ...json('a page; it may have fewer events than the limit', EVENTS),
        ...operatorProblems('not_found'),
      },
    },
    ...forOperators(refusal, async (_, request) => {
      const query = readQuery(request)
      if (query.bodies) return fullEvents(receiver, query.list, shownOf)
      const page = await recordPage(receiver, query.list)
      return jsonAnswer({ events: page.records.map(record => eventSummary.json(record)), next: page.next ?? null })
    }),
  })

  app.post('/webhook/events/redrive', {
    schema: {
      ...OPERATORS,
      summary: 'Redrive dead deliveries: one by its key, or many',
      ...query(REDRIVEN),
      response: {
        200: {
          description: 'it is due now; of many: a line of progress for each batch, or their number',
          content: {
            'application/json': { schema: { anyOf: [ref('Redriven'), COUNTED] } },
            ...media('', 'application/x-ndjson')[200]!.content,
          },
        },
        ...operatorProblems('not_found', 'record_running', 'redrive_unconfirmed'),
      },
    },
    ...forOperators(refusal, async (_, request) => {
      const query = readQuery(request)
      if (query.key === undefined) {
        const audit = (change: Change) => context.audit(request.raw, change)
        return redriveMany(receiver, inbox, query, request.query as Confirmed, audit)
      }
      const others = Object.keys(request.query as object).filter(name => name !== 'key' && name !== 'source')
      if (others.length === 0) {
        return records.redrive(request, query.list.scope ?? 'default', query.key, { completed: true })
      }
      return serverProblem('bad_request', {
        detail: `key names one delivery: ${others.join(', ')} cannot be combined with it.`,
      })
    }),
  })
}

interface Confirmed {
  dry_run?: boolean
  confirm?: string
}

/** Redrives many, once the caller has confirmed their number. */
async function redriveMany(
  receiver: Receiver,
  inbox: Inbox,
  { list, error, limit }: Query,
  { dry_run: dryRun = false, confirm }: Confirmed,
  audit: (change: Change) => void,
): Promise<Answer> {
  const { scope, since, until } = list
  const selected = {
    ...(scope && { scope }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  }
  const selection: DeadSelection = { list: selected, error, limit }
  if (dryRun) return jsonAnswer({ would_redrive: await countDead(receiver, selection) })
  if (confirm !== 'all') {
    const count = await countDead(receiver, selection)
    if (confirm !== String(count)) return unconfirmed(count)
    selection.limit = count
  }
  return linesAnswer(
    redriveDead(receiver, inbox, selection),
    ({ redriven = 0, done, error: why }: Partial<RedriveProgress> = {}) =>
      audit({
        ...{ action: 'redrive_many', source: scope, count: redriven },
        ...(done ? { outcome: 'redriven' } : { outcome: 'broken_off', error: why }),
      }),
  )
}

function unconfirmed(count: number): Answer {
  return serverProblem('redrive_unconfirmed', {
    detail: `Nothing was redriven. ${count} deliveries match now: to redrive them send confirm=${count}, or confirm=all.`,
    members: { would_redrive: count },
  })
}

interface Query {
  list: ListQuery
  key: string | undefined
  bodies: boolean
  error: string | undefined
  /** The maximum to redrive. */
  limit: number
}

interface QueryString {
  source?: string
  state?: RecordSummary['state']
  since?: string
  until?: string
  limit?: number
  after?: string
  key?: string
  bodies?: boolean
  error?: string
}

/** @throws {InvalidRequest} */
function readQuery(request: FastifyRequest): Query {
  const { source, state, limit, after, key, bodies = false, error, ...times } = request.query as QueryString
  const [since, until] = [timeOf(times.since), timeOf(times.until)]
  return {
    list: {
      accepted: true,
      limit: Math.min(limit ?? PAGE, MAX_PER_PAGE),
      ...(source !== undefined && { scope: source }),
      ...(state !== undefined && { state }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(after !== undefined && { after }),
    },
    key,
    bodies,
    error,
    limit: limit ?? Number.POSITIVE_INFINITY,
  }
}
