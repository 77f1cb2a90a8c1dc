import { type HrTime, ValueType } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics'
import type { Metrics } from '../metrics/index.js'

type Sample = { labels: Record<string, string | number>; value: number; metricName?: string }

/** Exports the Prometheus registry as OpenTelemetry metrics. */
export function registryProducer(metrics: Metrics, resource: Resource): MetricProducer {
  const startTime = hrTime(Date.now())
  return {
    async collect() {
      await metrics.refresh()
      const endTime = hrTime(Date.now())
      const translated: MetricData[] = []
      for (const { name, help, type, values } of await metrics.instruments.registry.getMetricsAsJSON()) {
        const samples = values as Sample[]
        const common = {
          descriptor: {
            name,
            description: help,
            unit: name.includes('_seconds') ? 's' : '',
            valueType: ValueType.DOUBLE,
          },
          aggregationTemporality: AggregationTemporality.CUMULATIVE,
        }
        const point = <T>(attributes: Sample['labels'], value: T): DataPoint<T> => ({
          startTime,
          endTime,
          attributes,
          value,
        })
        const points = () => samples.map(({ labels, value }) => point(labels, value))
        switch (String(type)) {
          case 'counter':
            translated.push({ ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points() })
            break
          case 'gauge':
            translated.push({ ...common, dataPointType: DataPointType.GAUGE, dataPoints: points() })
            break
          case 'histogram': {
            const dataPoints = histogramsOf(samples).map(({ labels, histogram }) => point(labels, histogram))
            translated.push({ ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints })
          }
        }
      }
      const scopeMetrics = [{ scope: { name: 'hookonce' }, metrics: translated }]
      return { resourceMetrics: { resource, scopeMetrics }, errors: [] }
    },
  }
}

/** Prometheus buckets are cumulative, OpenTelemetry's are not. */
function histogramsOf(samples: Sample[]): { labels: Sample['labels']; histogram: Histogram }[] {
  const found = new Map<string, { labels: Sample['labels']; histogram: Histogram; below: number }>()
  for (const { labels, value, metricName = '' } of samples) {
    const { le, ...own } = labels
    const name = JSON.stringify(own)
    let entry = found.get(name)
    if (entry === undefined) {
      entry = { labels: own, histogram: { buckets: { boundaries: [], counts: [] }, count: 0, sum: 0 }, below: 0 }
      found.set(name, entry)
    }
    const { histogram } = entry
    if (metricName.endsWith('_sum')) histogram.sum = value
    else if (metricName.endsWith('_count')) histogram.count = value
    else {
      if (le !== '+Inf') histogram.buckets.boundaries.push(Number(le))
      histogram.buckets.counts.push(value - entry.below)
      entry.below = value
    }
  }
  return [...found.values()]
}

const hrTime = (ms: number): HrTime => [Math.floor(ms / 1000), (ms % 1000) * 1_000_000]
