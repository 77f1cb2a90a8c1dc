import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { until } from '../process/support/until.js'
import { startCollector } from '../support/collector.js'
import { send } from '../support/http.js'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'
import { startUpstream } from '../support/upstream.js'

const closing: { close(): void }[] = []
afterEach(() => {
  for (const each of closing.splice(0)) each.close()
})
afterAll(stopServers)

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const deliver = (url: string, key: string) =>
  send(`${url}/webhook`, { headers: { 'idempotency-key': key, traceparent: TRACEPARENT }, body: '{}' })

/** A server that sends its telemetry to a collector, in front of an application. */
async function start(config = '{}', env: Record<string, string> = {}) {
  const [collector, upstream] = [await startCollector(), await startUpstream()]
  closing.push(collector, upstream)
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), `export default ${config}\n`)
  const server = await startServer({
    cwd,
    env: {
      HOOKONCE_STORE_URL: 'memory:',
      HOOKONCE_FORWARD_TO: upstream.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      ...env,
    },
  })
  return { ...server, collector, upstream }
}

test('metrics are what /metrics shows', async () => {
  const { url, collector } = await start('{}', { OTEL_TRACES_EXPORTER: 'none' })
  await deliver(url, 'a')
  await deliver(url, 'a')
  const replayed = { source: 'default', outcome: 'replayed' }
  await until('the replay was exported', () => collector.latest('hookonce_deliveries_total', replayed)?.asDouble === 1)
  const { count, bucketCounts, explicitBounds } = collector.latest('hookonce_delivery_duration_seconds', replayed)
  expect(Number(count)).toBe(1)
  expect(bucketCounts.map(Number).reduce((sum: number, each: number) => sum + each)).toBe(1)
  expect(bucketCounts).toHaveLength(explicitBounds.length + 1)
  expect(collector.latest('hookonce_build_info', { store: 'memory' })?.asDouble).toBe(1)
  expect(collector.spans).toEqual([])
})

test('without OpenTelemetry a traceparent is passed on as it came', async () => {
  const { url, upstream } = await start('{}', { OTEL_SDK_DISABLED: 'true' })
  await deliver(url, 'a')
  expect(upstream.calls[0]?.headers.traceparent).toBe(TRACEPARENT)
})

/** Resolves no package of OpenTelemetry, as where none is installed. */
const WITHOUT_PACKAGES = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`export function resolve(name, context, next) {
    if (!name.startsWith('@opentelemetry/')) return next(name, context)
    throw Object.assign(new Error('not there'), { code: 'ERR_MODULE_NOT_FOUND' })
  }\`))
`)}`

test('if it is enabled and not installed, the server does not start and names the packages', async () => {
  const env = { NODE_OPTIONS: `--import=${WITHOUT_PACKAGES}`, HOOKONCE_STORE_URL: 'memory:', PORT: '0' }
  const asked = await runCli({ env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } })
  expect(asked.code).toBe(1)
  expect(asked.stderr).toMatch(/^hookonce: OTEL_… .* not installed: npm install @opentelemetry\/api@1\.9 .*\n$/)
  // And it is loaded only then.
  const unasked = await startServer({ env })
  expect((await send(`${unasked.url}/health`, { method: 'GET' })).status).toBe(200)
})

test.each([
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /^hookonce: OTEL_EXPORTER_OTLP_PROTOCOL must be http\/json/],
  [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /^hookonce: OTEL_TRACES_EXPORTER must be otlp or none, not zipkin\n$/],
])('what cannot be done is said at the start: %o', async (env, message) => {
  const { code, stderr } = await runCli({
    env: { HOOKONCE_STORE_URL: 'memory:', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', PORT: '0', ...env },
  })
  expect(code).not.toBe(0)
  expect(stderr).toMatch(message)
})
