import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Answer, Inbox, ListQuery, Receiver, RecordSummary } from 'hookonce'
import { describe, describeEvent } from '../describe-record.js'
import { json, media, OPERATORS, operatorProblems, query } from '../openapi/answers.js'
import { ref, STATES } from '../openapi/schemas.js'
import type { Audit, Change } from '../operator/audit.js'
import { forOperators, type Refusal } from '../operator/routes.js'
import { serverProblem } from '../problems.js'
import { recordPage } from '../record-pages.js'
import { jsonAnswer } from '../respond.js'
import type { Shown } from '../shown.js'

export interface EventContext {
  receiver: Receiver
  inbox: Inbox
  refusal: Refusal
  audit: Audit
  shownOf(source: string): Shown
}

const TIME = { type: 'string', description: 'accepted at or after, before: 2030-01-31T12:00:00Z' }
const SELECTED = {
  source: { type: 'string' },
  since: TIME,
  until: TIME,
  limit: { type: 'integer', minimum: 1, maximum: 10_000_000 },
}
const LISTED = { ...SELECTED, state: { enum: STATES }, after: { type: 'string' }, bodies: { type: 'boolean' } }
const REDRIVEN = {
  ...SELECTED,
  key: { type: 'string' },
  error: { type: 'string', description: 'part of its last error' },
}
const EVENTS = {
  type: 'object',
  required: ['events', 'next'],
  properties: { events: { type: 'array', items: { type: 'object' } }, next: { type: ['string', 'null'] } },
}
const PAGE = 50
const MOST_PER_PAGE = 500
/** A redrive of many reads so many at a time. */
const BATCH = 50

/** For operators: what an inbox accepted, newest first, and beginning again what is dead. */
export function eventRoutes(app: FastifyInstance, context: EventContext): void {
  const { receiver, inbox, refusal, audit, shownOf } = context
  app.get('/webhook/events', {
    schema: {
      ...OPERATORS,
      summary: 'What inboxes accepted, newest first',
      ...query(LISTED),
      response: { ...json('a page', EVENTS), ...operatorProblems() },
    },
    ...forOperators(refusal, async (_, request) => {
      const query = readQuery(request)
      if ('status' in query) return query
      const { records, next } = await recordPage(receiver, query.list)
      const events = query.bodies ? await withBodies(receiver, records, shownOf) : records.map(describeEvent)
      return jsonAnswer({ events, next: next ?? null })
    }),
  })

  app.post('/webhook/events/redrive', {
    schema: {
      ...OPERATORS,
      summary: 'Begin dead deliveries again, one by its key or many',
      ...query(REDRIVEN),
      response: {
        200: {
          description: 'it is due now; of many a line of progress for each batch',
          content: {
            'application/json': { schema: ref('Redriven') },
            ...media('', 'application/x-ndjson')[200]!.content,
          },
        },
        ...operatorProblems('not_found', 'record_running'),
      },
    },
    ...forOperators(refusal, async (_, request) => {
      const query = readQuery(request)
      if ('status' in query) return query
      const { list, key } = query
      if (key !== undefined)
        return redriveOne(inbox, list.scope ?? 'default', key, change => audit(request.raw, change))
      return {
        status: 200,
        headers: [['content-type', 'application/x-ndjson']],
        body: new Uint8Array(),
        rest: redriveMany(receiver, inbox, query, change => audit(request.raw, change)),
        outcome: 'executed',
      }
    }),
  })
}

type Told = (change: Change) => void

async function redriveOne(inbox: Inbox, source: string, key: string, audit: Told): Promise<Answer> {
  const outcome = await inbox.redrive(source, key, { completed: true })
  audit({ action: 'redrive', source, key, outcome })
  switch (outcome) {
    case 'redriven':
    case 'completed':
      return jsonAnswer({ status: 'redriven', key })
    case 'busy':
      return serverProblem('record_running', { detail: 'Attempts of this delivery are still to come.' })
    case 'absent':
      return serverProblem('not_found', { detail: `Nothing was accepted for this key of the source "${source}".` })
  }
}

/**
 * One line for each batch, so that whoever waits sees how far it is. What was redriven is dead no more, and only what is
 * dead is redriven: one that was broken off is continued by asking for the same again, and two at once do no harm.
 */
async function* redriveMany(
  receiver: Receiver,
  inbox: Inbox,
  { list, error, limit }: Query,
  audit: Told,
): AsyncGenerator<Uint8Array> {
  let redriven = 0
  let looked = 0
  let after: string | undefined
  do {
    const page = await receiver.records({ ...list, state: 'dead', limit: BATCH, ...(after !== undefined && { after }) })
    for (const { scope, key, lastError } of page.records) {
      looked++
      if (error !== undefined && !lastError?.includes(error)) continue
      if (redriven >= limit) break
      if ((await inbox.redrive(scope, key)) === 'redriven') redriven++
    }
    after = redriven >= limit ? undefined : page.next
    yield line({ looked, redriven, done: after === undefined })
    await setImmediate()
  } while (after !== undefined)
  audit({ action: 'redrive_many', source: list.scope, outcome: 'redriven', count: redriven })
}

const line = (progress: object): Uint8Array => Buffer.from(`${JSON.stringify(progress)}\n`)

async function withBodies(
  receiver: Receiver,
  records: RecordSummary[],
  shownOf: (source: string) => Shown,
): Promise<object[]> {
  const full: object[] = []
  for (const { scope, key } of records) {
    const record = await receiver.record(scope, key)
    if (record !== undefined) full.push(describe(record, shownOf(scope)))
  }
  return full
}

interface Query {
  list: ListQuery
  key: string | undefined
  bodies: boolean
  error: string | undefined
  /** How many are redriven at most. */
  limit: number
}

interface Asked {
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

/** What a request asks for, or what is wrong with it. */
function readQuery(request: FastifyRequest): Query | Answer {
  const { source, state, limit, after, key, bodies = false, error, ...times } = request.query as Asked
  const [since, until] = [timeOf(times.since), timeOf(times.until)]
  if (Number.isNaN(since) || Number.isNaN(until)) {
    return serverProblem('bad_request', { detail: 'since and until must be times, e.g. 2030-01-31T12:00:00Z.' })
  }
  return {
    list: {
      accepted: true,
      limit: Math.min(limit ?? PAGE, MOST_PER_PAGE),
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

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}
