import type { FastifyInstance } from 'fastify'
import type { Answer } from 'hookonce'
import type { Shown } from '../../config/redaction.js'
import {
  ANY_SOURCE,
  json,
  KEY,
  media,
  OPERATOR_HEADER,
  OPERATORS,
  operatorProblems,
  query,
  SOURCE,
} from '../../http/openapi/answers.js'
import { serverProblem } from '../../http/problems.js'
import { jsonAnswer, linesAnswer } from '../../http/respond.js'
import { answered } from '../answered.js'
import type { Audit, Change } from '../audit.js'
import { changeForOperators, forOperators, type Refusal } from '../auth/guard.js'
import {
  type FailedContext,
  FailedDeliveries,
  type FailedSelection,
  type ReplayProgress,
} from '../failed-deliveries.js'
import { FAILED, FAILED_SUMMARY, failedJson, failedSummaryJson } from '../failed-json.js'
import { PAGE_AFTER, TIME_RANGE, timeOf } from '../journal-page.js'

export interface FailedRoutesContext extends FailedContext {
  refusal: Refusal
  audit: Audit
  shownOf(source: string): Shown
}

const SELECTED = { source: ANY_SOURCE, ...TIME_RANGE }
const LISTED = {
  ...SELECTED,
  limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  after: PAGE_AFTER,
}
const REPLAYED = {
  ...SELECTED,
  dry_run: { type: 'boolean', description: 'true: only count them', examples: [true] },
  confirm: {
    type: 'string',
    pattern: '^(all|0|[1-9][0-9]{0,8})$',
    description: 'their number, from a dry run, or `all`',
  },
}

const PAGE = {
  type: 'object',
  required: ['failed'],
  properties: {
    failed: { type: 'array', items: FAILED_SUMMARY },
    next: { type: 'string', description: 'absent on the last page' },
  },
}
const COUNTED = { type: 'object', required: ['would_replay'], properties: { would_replay: { type: 'integer' } } }
const ONE_KEY = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: 'one delivery, of the source `default` unless `source` goes with it; nothing else may',
}
const NAMED = query({ source: SOURCE, key: KEY }, ['key'])

/** Deliveries of sources in mode `inline` that failed: shown, and replayed under their keys. */
export function failedRoutes(app: FastifyInstance, context: FailedRoutesContext): void {
  const { refusal, audit, shownOf } = context
  const deliveries = new FailedDeliveries(context)

  app.get('/api/failed', {
    schema: {
      ...OPERATORS,
      summary: 'Deliveries that failed and have no result yet, newest first',
      description: 'Of sources in mode `inline`, as far as they are kept: the last 10,000 of a source and of a week.',
      ...query(LISTED),
      response: {
        ...json('a page; it may have fewer deliveries than the limit', PAGE),
        ...operatorProblems('not_found'),
      },
    },
    ...forOperators(refusal, async (_, request) => {
      const { after, limit, ...selected } = request.query as ListQuery
      const { failed, ...next } = await deliveries.page({ ...selectionOf(selected), limit, after })
      return jsonAnswer({ failed: failed.map(failedSummaryJson), ...next })
    }),
  })

  app.get('/api/failed/delivery', {
    schema: {
      ...OPERATORS,
      summary: 'A delivery that failed, in full',
      ...NAMED,
      response: { ...json('with its content', FAILED), ...operatorProblems('not_found') },
    },
    ...forOperators(refusal, async (_, request) => {
      const { source, key } = request.query as Named
      const found = await deliveries.find(source, key)
      return found === undefined
        ? notKept(source)
        : jsonAnswer(failedJson(found.failed, found.delivery, shownOf(source)))
    }),
  })

  app.post('/api/failed/replay', {
    schema: {
      ...OPERATORS,
      summary: 'Replay deliveries that failed: one by its key, or many',
      description:
        'Each is processed as if its sender delivered it once more: under its key, so that one that has a result by now gets it and does not run.',
      ...query({
        ...REPLAYED,
        key: ONE_KEY,
      }),
      ...OPERATOR_HEADER,
      response: {
        200: {
          description: 'what it is answered now; of many: a line of progress for each batch, or their number',
          content: {
            ...json('', { anyOf: [{ $ref: 'TestAnswer#' }, COUNTED] })[200]!.content,
            ...media('', 'application/x-ndjson')[200]!.content,
          },
        },
        ...operatorProblems('not_found', 'failed_incomplete', 'replay_unconfirmed'),
      },
    },
    ...changeForOperators(refusal, async (_, request) => {
      const { key, dry_run: dryRun, confirm, ...selected } = request.query as ReplayQuery
      const note = (change: Change) => audit(request.raw, change)
      if (key === undefined) return replayMany(deliveries, selectionOf(selected), { dryRun, confirm }, note)
      if (
        dryRun !== undefined ||
        confirm !== undefined ||
        selected.since !== undefined ||
        selected.until !== undefined
      ) {
        return serverProblem('bad_request', { detail: 'key names one delivery: only source may go with it.' })
      }
      const { source = 'default' } = selected
      const found = await deliveries.find(source, key)
      if (found === undefined) return notKept(source)
      if (!found.failed.isWhole) return incomplete()
      const answer = await answered(() => deliveries.replay(source, key, found.delivery))
      note({ action: 'replay', source, key, outcome: String(answer.status) })
      return jsonAnswer(answer)
    }),
  })
}

/** Replays many, once the caller has confirmed their number. */
async function replayMany(
  deliveries: FailedDeliveries,
  selection: FailedSelection,
  { dryRun = false, confirm }: { dryRun: boolean | undefined; confirm: string | undefined },
  note: (change: Change) => void,
): Promise<Answer> {
  if (dryRun) return jsonAnswer({ would_replay: await deliveries.count(selection) })
  let limit = Number.POSITIVE_INFINITY
  if (confirm !== 'all') {
    limit = await deliveries.count(selection)
    if (confirm !== String(limit)) return unconfirmed(limit)
  }
  return linesAnswer(
    deliveries.replayAll(selection, limit),
    ({ replayed = 0, done, error }: Partial<ReplayProgress> = {}) =>
      note({
        ...{ action: 'replay_many', source: selection.source, count: replayed },
        ...(done ? { outcome: 'replayed' } : { outcome: 'broken_off', error }),
      }),
  )
}

interface Named {
  source: string
  key: string
}

interface Selected {
  source?: string
  since?: string
  until?: string
}

type ListQuery = Selected & { limit: number; after?: string }
type ReplayQuery = Selected & { key?: string; dry_run?: boolean; confirm?: string }

const selectionOf = ({ source, since, until }: Selected): FailedSelection => ({
  source,
  since: timeOf(since),
  until: timeOf(until),
})

const notKept = (source: string) =>
  serverProblem('not_found', { detail: `No delivery of the source "${source}" that failed is kept under this key.` })

const incomplete = () =>
  serverProblem('failed_incomplete', {
    detail: 'What is kept of it is not what came: have the sender deliver it again.',
  })

const unconfirmed = (count: number) =>
  serverProblem('replay_unconfirmed', {
    detail: `Nothing was replayed. ${count} deliveries match now: to replay them send confirm=${count}, or confirm=all.`,
    members: { would_replay: count },
  })
