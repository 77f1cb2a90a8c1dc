import { INTEGER, NUMBER, nullable, OPTIONAL_TIME, object, TEXT, TIME } from '../http/openapi/json-schema.js'
import { isoTime } from '../http/record-json.js'
import { deliveriesOf, quantile } from '../journal/counts.js'
import type { ListedProcess } from '../journal/heartbeat.js'
import type { Silence } from '../journal/rhythm.js'
import { RANGES } from '../journal/steps.js'
import type { FleetBreaker } from './fleet-breakers.js'
import { type FleetFigures, type FleetQuery, type Sum, savedIn } from './fleet-figures.js'

const COUNTS = { type: 'object', additionalProperties: INTEGER }
const points = (type: string, description: string) => ({ type: 'array', items: nullable(type), description })

const SERIES = object({
  count: points('integer', 'deliveries'),
  failing_share: points('number', 'the share of failed, lost, unavailable and full; null: there were none'),
  hits: points('integer', 'replayed and joined'),
})

const SUM = {
  deliveries: INTEGER,
  outcomes: { ...COUNTS, description: 'deliveries by their outcome' },
  attempts: { ...COUNTS, description: 'those that ended, by their end' },
  saved: { ...INTEGER, description: 'duplicates that did not run: replayed and joined' },
  p50_ms: nullable('number', { description: 'of deliveries, within a fifth' }),
  p95_ms: nullable('number'),
  p99_ms: nullable('number'),
  series: {
    ...SERIES,
    description: 'a point for each step from `from` on, the last one being under way; null: not known',
  },
}

const BREAKER = {
  ...object({
    state: { enum: ['closed', 'half_open', 'open', null], description: 'the worst; null: not known of each process' },
    since: { ...OPTIONAL_TIME, description: 'since when the target is taken for down' },
    processes: { type: 'array', items: TEXT, description: 'ids of those in which it is not closed' },
  }),
  description: 'the circuit breakers of the processes; absent: the source has none',
}

const SILENCE = {
  ...object({
    last_delivery_at: {
      ...OPTIONAL_TIME,
      description: 'neither refused as 400 or 401 nor a handshake; null: none is known',
    },
    silent_ms: nullable('integer'),
    usual_gap_ms: nullable('integer', {
      description:
        'between deliveries at most: the longest of 8 days, or the second longest of 31; null: too little is known',
    }),
    level: {
      enum: ['usual', 'long', 'very_long', null],
      description:
        'long: more than three usual gaps, very_long: more than six; null: not known, or not configured any more',
    },
  }),
  description: 'since the last delivery, whatever the range; as fine as the steps that are kept',
}

/** `GET /api/figures`. */
export const FIGURES = object({
  range: { enum: Object.keys(RANGES) },
  source: nullable('string', { description: 'null: all' }),
  as_of: TIME,
  from: TIME,
  since: { ...TIME, description: 'from when on something is known' },
  step_ms: INTEGER,
  processes: { type: 'array', items: TEXT, description: 'ids of those whose counts these are' },
  ...SUM,
  sources: {
    type: 'object',
    description: 'by source',
    additionalProperties: object({ ...SUM, breaker: BREAKER, silence: SILENCE }, ['breaker']),
  },
})

/** `GET /api/processes`. */
export const PROCESSES = object({
  as_of: TIME,
  processes: {
    type: 'array',
    items: object({
      id: { ...TEXT, description: 'as in figures and in the history of records' },
      role: { enum: ['server', 'worker'] },
      host: TEXT,
      pid: INTEGER,
      version: TEXT,
      url: nullable('string', { description: 'null: it does not listen' }),
      started_at: TIME,
      last_seen_at: TIME,
      alive: { type: 'boolean', description: 'seen within 45 s' },
      event_loop_lag_ms: { ...NUMBER, description: 'the maximum of the 15 s before it was seen' },
      in_flight: { ...INTEGER, description: 'deliveries without an answer' },
      attempts_running: INTEGER,
      tripped_breakers: {
        type: ['array', 'null'],
        items: object({ source: TEXT, state: { enum: ['open', 'half_open'] }, since: TIME }),
        description: 'the circuit breakers that are not closed, at most 100; null: not told by its release',
      },
      lost_entries: nullable('integer', {
        description: 'what it could not write for operators since its start; null: not told by its release',
      }),
    }),
  },
})

export function figuresJson({ range, source, now }: FleetQuery, fleet: FleetFigures) {
  const { step, from, since, processes, sum, sources } = fleet
  const isKnown = (i: number) => from + (i + 1) * step.ms > since
  return {
    ...{ range, source: source ?? null, as_of: isoTime(now), from: isoTime(from), since: isoTime(since) },
    ...{ step_ms: step.ms, processes },
    ...sumJson(sum, isKnown),
    sources: Object.fromEntries(
      [...sources].map(([name, { breaker, silence, ...sum }]) => [
        name,
        {
          ...sumJson(sum, isKnown),
          ...(breaker !== undefined && { breaker: breakerJson(breaker) }),
          silence: silenceJson(silence),
        },
      ]),
    ),
  }
}

const breakerJson = ({ state, since, processes }: FleetBreaker) => ({ state, since: isoTime(since), processes })

const silenceJson = ({ lastDeliveryAt, silentMs, usualGapMs, level }: Silence) => ({
  last_delivery_at: isoTime(lastDeliveryAt),
  silent_ms: silentMs,
  usual_gap_ms: usualGapMs,
  level,
})

function sumJson({ counts, series }: Sum, isKnown: (i: number) => boolean) {
  const { outcomes, attempts } = counts
  const known = (values: number[]) => values.map((value, i) => (isKnown(i) ? value : null))
  return {
    ...{ deliveries: deliveriesOf(counts), outcomes, attempts, saved: savedIn(counts) },
    p50_ms: quantile(counts, 0.5),
    p95_ms: quantile(counts, 0.95),
    p99_ms: quantile(counts, 0.99),
    series: {
      count: known(series.count),
      failing_share: series.failed.map((failed, i) => share(failed, series.count[i]!)),
      hits: known(series.saved),
    },
  }
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : Number((part / whole).toFixed(4)))

export const processJson = ({ id, role, host, pid, version, url, ...process }: ListedProcess) => ({
  ...{ id, role, host, pid, version, url },
  started_at: isoTime(process.startedAt),
  last_seen_at: isoTime(process.lastSeenAt),
  alive: process.alive,
  event_loop_lag_ms: process.eventLoopLagMs,
  in_flight: process.inFlight,
  attempts_running: process.running,
  tripped_breakers:
    process.trippedBreakers?.map(({ since, ...breaker }) => ({ ...breaker, since: isoTime(since) })) ?? null,
  lost_entries: process.lostEntries ?? null,
})
