import { INTEGER, NUMBER, nullable, object, TEXT, TIME } from '../http/openapi/json-schema.js'
import { isoTime } from '../http/record-json.js'
import { deliveriesOf, quantile } from '../journal/counts.js'
import type { ListedProcess } from '../journal/heartbeat.js'
import { RANGES } from '../journal/steps.js'
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
  sources: { type: 'object', description: 'by source', additionalProperties: object(SUM) },
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
    sources: Object.fromEntries([...sources].map(([name, sum]) => [name, sumJson(sum, isKnown)])),
  }
}

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
})
