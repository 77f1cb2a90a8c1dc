import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Gate } from '../../deliveries/in-flight.js'
import { compressed } from '../../http/compress.js'
import { json, media, OPERATORS, operatorProblems } from '../../http/openapi/answers.js'
import { jsonAnswer, UNBUFFERED } from '../../http/respond.js'
import type { Activity } from '../../observability/activity/index.js'
import { forOperators, type Refusal } from '../auth/guard.js'

export interface OverviewContext {
  activity: Activity
  gate: Gate
  refusal: Refusal
}

const INTERVAL_MS = 1_000

/** The state of this process: as one answer, and as a stream. */
export function overviewRoutes(app: FastifyInstance, { activity, gate, refusal }: OverviewContext): void {
  app.get('/api/overview', {
    schema: {
      ...OPERATORS,
      summary: 'Totals since the start, the last minute and the current state of this process',
      response: { ...json('the overview', 'Overview'), ...operatorProblems() },
    },
    ...forOperators(refusal, async (_, { raw }) =>
      compressed(raw, jsonAnswer(await activity.snapshot(gate.inProgress))),
    ),
  })

  app.get('/api/stream', {
    // The answer to HEAD would never end.
    exposeHeadRoute: false,
    schema: {
      ...OPERATORS,
      summary: 'The overview and the deliveries of each second',
      description: 'Server-sent events: `overview`, and `delivery` with an array of at most 200 deliveries.',
      response: { ...media('until either side ends it', 'text/event-stream'), ...operatorProblems() },
    },
    ...forOperators(refusal, async (_, { raw }) => ({
      status: 200,
      headers: [['content-type', 'text/event-stream'], UNBUFFERED],
      body: new Uint8Array(),
      rest: events(activity, () => !gate.closed && refusal(raw) === undefined, gate),
      outcome: 'executed',
    })),
  })
}

/** @param goesOn called every second: the session or the trial may be over */
async function* events(activity: Activity, goesOn: () => boolean, gate: Gate): AsyncGenerator<Uint8Array> {
  let { seen } = activity.after(0)
  while (goesOn()) {
    const parts = [event('overview', await activity.snapshot(gate.inProgress))]
    const fresh = activity.after(seen)
    seen = fresh.seen
    if (fresh.deliveries.length > 0) parts.push(event('delivery', fresh.deliveries))
    yield Buffer.from(parts.join(''))
    await sleep(INTERVAL_MS)
  }
}

const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
