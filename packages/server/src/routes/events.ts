import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Answer, Inbox, ListQuery, Receiver, RecordSummary } from 'hookonce'
import type { Logger } from 'pino'
import { describe, describeEvent } from '../describe-record.js'
import { forOperators, type Refusal } from '../operator-routes.js'
import { serverProblem } from '../problems.js'
import { jsonAnswer } from '../respond.js'

export interface EventContext {
  receiver: Receiver
  inbox: Inbox
  refusal: Refusal
  log: Logger
}

const STATES = ['pending', 'running', 'completed', 'failed', 'dead']
const PAGE = 50
const MOST_PER_PAGE = 500
/** A redrive of many reads so many at a time. */
const BATCH = 50

/** For operators: what an inbox accepted, newest first, and beginning again what is dead. */
export function eventRoutes(app: FastifyInstance, { receiver, inbox, refusal, log }: EventContext): void {
  app.get(
    '/webhook/events',
    forOperators(refusal, async url => {
      const query = readQuery(url)
      if ('status' in query) return query
      const { records, next } = await receiver.records(query.list)
      const events = query.bodies ? await withBodies(receiver, records) : records.map(describeEvent)
      return jsonAnswer({ events, next: next ?? null })
    }),
  )

  app.post(
    '/webhook/events/redrive',
    forOperators(refusal, async url => {
      const query = readQuery(url)
      if ('status' in query) return query
      const { list, key } = query
      if (key !== undefined) return redriveOne(inbox, list.scope ?? 'default', key, log)
      return {
        status: 200,
        headers: [['content-type', 'application/x-ndjson']],
        body: new Uint8Array(),
        rest: redriveMany(receiver, inbox, query, log),
        outcome: 'executed',
      }
    }),
  )
}

async function redriveOne(inbox: Inbox, source: string, key: string, log: Logger): Promise<Answer> {
  switch (await inbox.redrive(source, key, { completed: true })) {
    case 'redriven':
    case 'completed':
      log.info({ source }, 'delivery redriven')
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
  log: Logger,
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
  log.info({ source: list.scope, redriven }, 'deliveries redriven')
}

const line = (progress: object): Uint8Array => Buffer.from(`${JSON.stringify(progress)}\n`)

async function withBodies(receiver: Receiver, records: RecordSummary[]): Promise<object[]> {
  const full: object[] = []
  for (const { scope, key } of records) {
    const record = await receiver.record(scope, key)
    if (record !== undefined) full.push(describe(record))
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

/** The query of a URL, or what is wrong with it. */
function readQuery(url: string): Query | Answer {
  const query = new URL(url, 'http://localhost').searchParams
  const invalid = (detail: string) => serverProblem('bad_request', { detail })
  const state = query.get('state') ?? undefined
  if (state !== undefined && !STATES.includes(state)) return invalid(`state must be one of: ${STATES.join(', ')}.`)
  const limit = query.get('limit')
  if (limit !== null && !/^[1-9]\d{0,6}$/.test(limit)) return invalid('limit must be a whole number from 1.')
  const [since, until] = [timeOf(query.get('since')), timeOf(query.get('until'))]
  if (Number.isNaN(since) || Number.isNaN(until))
    return invalid('since and until must be times, e.g. 2030-01-31T12:00:00Z.')
  const scope = query.get('source') ?? undefined
  const after = query.get('after') ?? undefined
  return {
    list: {
      accepted: true,
      limit: Math.min(Number(limit ?? PAGE), MOST_PER_PAGE),
      ...(scope !== undefined && { scope }),
      ...(state !== undefined && { state: state as RecordSummary['state'] }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(after !== undefined && { after }),
    },
    key: query.get('key') ?? undefined,
    bodies: query.get('bodies') === 'true',
    error: query.get('error') ?? undefined,
    limit: limit === null ? Number.POSITIVE_INFINITY : Number(limit),
  }
}

function timeOf(text: string | null): number | undefined {
  return text === null ? undefined : Date.parse(text)
}
