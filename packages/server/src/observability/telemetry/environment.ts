import { StartError } from '../../config/start-error.js'

/** What the standard `OTEL_…` environment asks for; the exporters read the rest of it themselves. */
export interface TelemetryWish {
  traces: boolean
  metrics: boolean
  metricIntervalMs: number
}

const DEFAULT_INTERVAL_MS = 60_000

/** @throws {StartError} for what this server cannot do */
export function telemetryWish(env: NodeJS.ProcessEnv): TelemetryWish | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined
  const wished = (signal: 'TRACES' | 'METRICS'): boolean => {
    if (!(env.OTEL_EXPORTER_OTLP_ENDPOINT || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`])) return false
    const exporter = env[`OTEL_${signal}_EXPORTER`] || 'otlp'
    if (exporter === 'none') return false
    if (exporter !== 'otlp') throw new StartError(`OTEL_${signal}_EXPORTER must be otlp or none, not ${exporter}`)
    const variables = [`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, 'OTEL_EXPORTER_OTLP_PROTOCOL']
    const variable = variables.find(name => env[name])
    if (variable !== undefined && env[variable] !== 'http/json') {
      throw new StartError(`${variable} must be http/json, which collectors take where they take http/protobuf`)
    }
    return true
  }
  const [traces, metrics] = [wished('TRACES'), wished('METRICS')]
  if (!traces && !metrics) return undefined
  const interval = Number(env.OTEL_METRIC_EXPORT_INTERVAL || DEFAULT_INTERVAL_MS)
  if (!(interval >= 1)) throw new StartError('OTEL_METRIC_EXPORT_INTERVAL must be a number of milliseconds')
  return { traces, metrics, metricIntervalMs: interval }
}
