/**
 * Load test of a running receiver, about 30 seconds at modest rates:
 *
 *     npm start
 *     k6 run k6_load.js                              (BASE_URL=http://… k6 run k6_load.js for another one)
 *
 * It expects the default handler, which answers with a fresh event_id per run: one event_id is one run.
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Rate, Trend } from 'k6/metrics'

const BASE_URL = (__ENV.BASE_URL || 'http://localhost:8000').replace(/\/+$/, '')
const WEBHOOK = `${BASE_URL}/webhook`
const NO_IDEMPOTENCY = `${BASE_URL}/webhook/no-idempotency`
const DUPLICATES = 10
const CONCURRENT = 20

/** Time from the first byte of a duplicate sent to the last of its answer received, one at a time, connections made. */
const cachedDuration = new Trend('cached_duration', true)
const cachedIdentical = new Rate('cached_identical')
const oneRunPerKey = new Rate('one_run_per_key')
const cachedKeys = new Counter('cached_keys')
const concurrentKeys = new Counter('concurrent_keys')
const concurrentRuns = new Counter('concurrent_runs')

/** One scenario after the other, so that none disturbs the durations of another. */
const scenario = (exec, startTime, rate) => ({
  executor: 'constant-arrival-rate',
  exec,
  startTime,
  duration: '8s',
  rate,
  preAllocatedVUs: 5,
  maxVUs: 20,
  gracefulStop: '5s',
})

export const options = {
  scenarios: {
    with_and_without_keys: scenario('withAndWithoutKeys', '0s', 10),
    duplicates: scenario('duplicates', '8s', 10),
    cached_responses: scenario('cachedResponses', '16s', 5),
    concurrent_duplicates: scenario('concurrentDuplicates', '24s', 4),
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    cached_duration: ['p(95)<10'],
    cached_identical: ['rate==1'],
    one_run_per_key: ['rate==1'],
    // A rate of nothing passes any rule.
    cached_keys: ['count>0'],
    concurrent_keys: ['count>0'],
  },
  // Requests of one batch at the same time, to one host: k6 sends 6 by default.
  batch: CONCURRENT,
  batchPerHost: CONCURRENT,
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
}

/** Says in one sentence why there is nothing to test; otherwise names this run, so that it can be repeated. */
export function setup() {
  const health = http.get(`${BASE_URL}/health`, { timeout: '5s' })
  if (health.status !== 200) {
    exec.test.abort(
      `No Hookonce receiver answers at ${BASE_URL} (GET /health: ${health.error || `status ${health.status}`}). ` +
        'Start one with: npm start, or say where it is: BASE_URL=http://host:port k6 run k6_load.js',
    )
  }
  const trial = http.post(NO_IDEMPOTENCY, event('trial'), headers())
  if (trial.status !== 200 || !eventId(trial)) {
    exec.test.abort(
      `The receiver at ${BASE_URL} does not answer with an event_id (status ${trial.status}): ` +
        'this test needs the default handler, so start it without HOOKONCE_FORWARD_TO and without a config file',
    )
  }
  return { run: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}` }
}

/** A new key runs; without a key every delivery runs. */
export function withAndWithoutKeys({ run }) {
  const key = keyOf(run)
  const keyed = http.post(WEBHOOK, event(key), headers(key))
  check(keyed, { 'new key: processed': isProcessed })

  const first = http.post(WEBHOOK, event(key), headers())
  const second = http.post(WEBHOOK, event(key), headers())
  const third = http.post(NO_IDEMPOTENCY, event(key), headers(key))
  check([first, second, third], {
    'no key: processed': all => all.every(isProcessed),
    'no key: every delivery runs': all => new Set([keyed, ...all].map(eventId)).size === 4,
  })
}

/** A key that is sent again runs once; another key runs again. */
export function duplicates({ run }) {
  const key = keyOf(run)
  const first = http.post(WEBHOOK, event(key), headers(key))
  const duplicate = http.post(WEBHOOK, event(key), headers(key))
  const other = http.post(WEBHOOK, event(key), headers(`${key}-other`))
  check(first, { 'first delivery: processed': isProcessed })
  check(duplicate, {
    'duplicate: X-Cached': isCached,
    'duplicate: same event_id': response => eventId(response) === eventId(first),
  })
  check(other, { 'other key, same body: processed': isProcessed })
}

/** Every duplicate is answered from the record, byte for byte, and fast. */
export function cachedResponses({ run }) {
  const key = keyOf(run)
  const first = http.post(WEBHOOK, event(key), headers(key))
  check(first, { 'cached: first delivery processed': isProcessed })
  for (let i = 0; i < DUPLICATES; i++) {
    const duplicate = http.post(WEBHOOK, event(key), headers(key))
    const identical = isCached(duplicate) && duplicate.body === first.body
    cachedIdentical.add(identical)
    if (identical) cachedDuration.add(duplicate.timings.duration)
  }
  cachedKeys.add(1)
}

/** Deliveries of one key at the same time: one runs, all others get its answer. */
export function concurrentDuplicates({ run }) {
  const key = keyOf(run)
  const responses = http.batch(Array.from({ length: CONCURRENT }, () => ['POST', WEBHOOK, event(key), headers(key)]))
  const distinct = new Set(responses.map(eventId)).size
  const ran = responses.filter(isProcessed).length
  check(responses, {
    'concurrent: all answered 200': all => all.every(({ status }) => status === 200),
    'concurrent: one body': all => new Set(all.map(({ body }) => body)).size === 1,
    'concurrent: exactly one without X-Cached': () => ran === 1,
  })
  concurrentKeys.add(1)
  concurrentRuns.add(distinct)
  oneRunPerKey.add(distinct === 1 && ran === 1)
}

function keyOf(run) {
  return `k6-${run}-${exec.scenario.name}-${exec.scenario.iterationInTest}`
}

function event(id) {
  return JSON.stringify({ event: 'payment.received', data: { payment_id: id, amount: 100.5, currency: 'USD' } })
}

function headers(key) {
  const json = { 'Content-Type': 'application/json' }
  return { headers: key === undefined ? json : { ...json, 'X-Idempotency-Key': key } }
}

function eventId(response) {
  return response.status === 200 ? response.json('event_id') : undefined
}

function isProcessed(response) {
  return response.status === 200 && response.headers['X-Cached'] === undefined && Boolean(eventId(response))
}

function isCached(response) {
  return response.status === 200 && response.headers['X-Cached'] === 'true'
}

export function handleSummary({ metrics, state, root_group: root }) {
  // setup() said why.
  if (!metrics.iterations) return {}
  const { checks, http_reqs: requests, http_req_failed: failed } = metrics
  const of = (metric, name) => metric?.values[name] ?? 0
  const ms = name => `${of(metrics.cached_duration, name).toFixed(2)} ms`
  const lines = [
    `requests            ${of(requests, 'count')} in ${(state.testRunDurationMs / 1000).toFixed(0)} s, ${of(failed, 'passes')} failed`,
    `checks              ${of(checks, 'passes')} passed, ${of(checks, 'fails')} failed`,
    `cached responses    ${of(metrics.cached_identical, 'passes')} identical, ${of(metrics.cached_identical, 'fails')} not`,
    `  duration          median ${ms('med')}, p95 ${ms('p(95)')}, p99 ${ms('p(99)')}, max ${ms('max')}`,
    `concurrent keys     ${of(metrics.concurrent_keys, 'count')} of ${CONCURRENT} deliveries each, ${of(metrics.concurrent_runs, 'count')} runs`,
    ...root.checks.filter(({ fails }) => fails > 0).map(({ name, fails }) => `  failed ${fails} times: ${name}`),
    ...Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
      Object.entries(thresholds).map(([rule, { ok }]) => `${ok ? 'ok    ' : 'FAILED'} ${name}: ${rule}`),
    ),
  ]
  return { stdout: `\n${lines.join('\n')}\n` }
}
