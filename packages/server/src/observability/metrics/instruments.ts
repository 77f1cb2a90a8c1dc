import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { Counts, Histograms } from './fast-metrics.js'

/** From a millisecond to half a minute; each threshold of the alerting rules is a bound. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const HANDLER_SECONDS = [...SECONDS.slice(2), 60, 300]
const AGE_SECONDS = [1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800]

/** Every metric; docs/reference/metrics-and-logs.md lists them. */
export function createInstruments() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })

  const counts = (type: 'counter' | 'gauge', name: string, help: string, labelNames: string[]) => {
    const metric = new Counts(type, `hookonce_${name}`, help, labelNames)
    registry.registerMetric(metric.asMetric())
    return metric
  }
  const counter = (name: string, help: string, ...labelNames: string[]) => counts('counter', name, help, labelNames)
  const level = (name: string, help: string, ...labelNames: string[]) => counts('gauge', name, help, labelNames)
  const histogram = (name: string, help: string, bounds: number[], ...labelNames: string[]) => {
    const metric = new Histograms(`hookonce_${name}`, help, bounds, labelNames)
    registry.registerMetric(metric.asMetric())
    return metric
  }
  /** A gauge that is set on a scrape, and may be unknown. */
  const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `hookonce_${name}`, help, labelNames, registers: [registry] })

  return {
    registry,
    build: gauge('build_info', 'What runs here; always 1', 'version', 'node', 'store'),

    deliveries: counter('deliveries_total', 'Deliveries answered', 'source', 'outcome'),
    deliverySeconds: histogram(
      'delivery_duration_seconds',
      'From the last byte of a delivery to its answer',
      SECONDS,
      ...['source', 'outcome'],
    ),
    inFlight: gauge('deliveries_in_flight', 'Deliveries in flight, waiting duplicates included'),
    rejections: counter(
      'overload_rejections_total',
      'Deliveries refused before they were processed',
      ...['source', 'reason'],
    ),
    cut: counter('connections_cut_total', 'Connections closed by a limit', 'reason'),
    waiting: level('waiting_duplicates', 'Duplicates that wait for a running attempt'),
    replayAge: histogram('replay_age_seconds', 'Age of replayed results', AGE_SECONDS, 'source'),

    attempts: counter('attempts_total', 'Attempts that ended', 'source', 'end'),
    running: gauge('attempts_running', 'Running attempts', 'source'),
    handlerSeconds: histogram('handler_duration_seconds', 'Duration of handlers', HANDLER_SECONDS, 'source'),
    renewals: counter('lease_renewals_total', 'Leases renewed', 'source'),
    lost: counter('lost_attempts_total', 'Attempts that lost their key while the handler ran', 'source', 'reason'),
    takenOver: counter('takeovers_total', 'Attempts that took the key over after its lease expired', 'source'),
    forwardFailures: counter(
      'forward_failures_total',
      'Forwarded attempts without a 2xx response',
      ...['source', 'kind'],
    ),
    fenced: counter('fenced_results_total', 'Results refused because another attempt owns the key', 'source'),
    dropped: counter('dropped_results_total', 'Results that could not be stored', 'source'),

    inboxDepth: gauge('inbox_depth', 'Accepted deliveries that are not settled yet', 'source'),
    inboxOverdue: gauge('inbox_overdue_seconds', 'How long the first of them has been overdue', 'source'),
    inboxDead: gauge('inbox_dead', 'Dead deliveries that are kept', 'source'),
    died: counter('inbox_dead_letters_total', 'Deliveries that became dead in this process', 'source'),

    storeSeconds: histogram('store_operation_duration_seconds', 'Duration of store operations', SECONDS, 'operation'),
    storeErrors: counter('store_errors_total', 'Store operations that failed or timed out', 'operation'),
    storeRecords: gauge('store_records', 'Records, where the store knows'),
    storeBytes: gauge('store_bytes', 'Bytes of the store, where it knows'),
  }
}
