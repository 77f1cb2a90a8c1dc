import { StartError } from '../../config/start-error.js'

/** The standard `OTEL_…` variables that this server reads; the exporters read the others. */
export interface TelemetrySettings {
  traces: boolean
  metrics: boolean
  metricIntervalMs: number
}

const DEFAULT_INTERVAL_MS = 60_000

/** @throws {StartError} an exporter or a protocol that this server does not support */
export function telemetrySettings(env: NodeJS.ProcessEnv): TelemetrySettings | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined
  const isEnabled = (signal: 'TRACES' | 'METRICS'): boolean => {
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
  const [traces, metrics] = [isEnabled('TRACES'), isEnabled('METRICS')]
  if (!traces && !metrics) return undefined
  const interval = Number(env.OTEL_METRIC_EXPORT_INTERVAL || DEFAULT_INTERVAL_MS)
  if (!(interval >= 1)) throw new StartError('OTEL_METRIC_EXPORT_INTERVAL must be a number of milliseconds')
  return { traces, metrics, metricIntervalMs: interval }
}
