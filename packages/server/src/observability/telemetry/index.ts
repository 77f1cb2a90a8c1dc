import type { Logger } from 'pino'
import { StartError } from '../../config/start-error.js'
import { version } from '../../config/version.js'
import type { Metrics } from '../metrics/index.js'
import { telemetrySettings } from './environment.js'
import { Traces } from './traces.js'

export interface Telemetry {
  /** Absent: deliveries are not traced. */
  traces?: Traces
  /** Exports what is buffered. */
  shutdown(): Promise<void>
}

/** The versions that run on Node.js 20, for `npm install`. */
const PACKAGES = [
  'api@1.9',
  'resources@2',
  'sdk-trace-node@2',
  'sdk-metrics@2',
  'exporter-trace-otlp-http@0.223',
  'exporter-metrics-otlp-http@0.223',
]

/**
 * Loads and starts OpenTelemetry if the environment enables it.
 *
 * @throws {StartError} it is not installed, or a value is not supported
 */
export async function startTelemetry(
  env: NodeJS.ProcessEnv,
  metrics: Metrics,
  log: Logger,
): Promise<Telemetry | undefined> {
  const settings = telemetrySettings(env)
  if (settings === undefined) return undefined
  const { api, resource, ...load } = await loadOptional(async () => {
    const api = await import('@opentelemetry/api')
    const { defaultResource, detectResources, envDetector, resourceFromAttributes } = await import(
      '@opentelemetry/resources'
    )
    const own = resourceFromAttributes({ 'service.name': 'hookonce', 'service.version': version() })
    const resource = defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] }))
    return {
      api,
      resource,
      traces: settings.traces && {
        ...(await import('@opentelemetry/sdk-trace-node')),
        ...(await import('@opentelemetry/exporter-trace-otlp-http')),
      },
      metrics: settings.metrics && {
        ...(await import('@opentelemetry/sdk-metrics')),
        ...(await import('@opentelemetry/exporter-metrics-otlp-http')),
        ...(await import('./producer.js')),
      },
    }
  })
  const warn = (message: string) => log.warn({ reason: withoutSecrets(message, env) }, 'telemetry')
  const ignore = () => {}
  api.diag.setLogger(
    { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: api.DiagLogLevel.WARN },
  )
  const providers: { shutdown(): Promise<void> }[] = []
  if (load.metrics) {
    const { MeterProvider, PeriodicExportingMetricReader, OTLPMetricExporter, registryProducer } = load.metrics
    const reader = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis: settings.metricIntervalMs,
      exportTimeoutMillis: Math.min(settings.metricIntervalMs, 30_000),
      metricProducers: [registryProducer(metrics, resource)],
    })
    providers.push(new MeterProvider({ resource, readers: [reader] }))
  }
  let traces: Traces | undefined
  if (load.traces) {
    const { NodeTracerProvider, BatchSpanProcessor, OTLPTraceExporter } = load.traces
    const provider = new NodeTracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    })
    provider.register()
    providers.push(provider)
    traces = new Traces(api)
  }
  return {
    ...(traces && { traces }),
    shutdown: async () => {
      await Promise.allSettled(providers.map(provider => provider.shutdown()))
    },
  }
}

/** Endpoints may contain a password; headers may be secrets. */
function withoutSecrets(message: string, env: NodeJS.ProcessEnv): string {
  return Object.entries(env)
    .filter(([name, value]) => /^OTEL_EXPORTER_OTLP_(\w+_)?(ENDPOINT|HEADERS)$/.test(name) && value)
    .reduce((text, [name, value]) => text.replaceAll(value!, `(${name})`), message)
}

/** The packages are optional. */
async function loadOptional<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    const names = PACKAGES.map(name => `@opentelemetry/${name}`).join(' ')
    throw new StartError(`OTEL_… asks for telemetry, and OpenTelemetry is not installed: npm install ${names}`, 1)
  }
}
