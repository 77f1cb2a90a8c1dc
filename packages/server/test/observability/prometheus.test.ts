import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../../../../scripts/test-servers/free-port.js'
import { type PrometheusServer, startPrometheus } from '../../../../scripts/test-servers/prometheus.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { run } from '../../../../scripts/test-tools/run.js'
import { until } from '../process/support/until.js'
import { send } from '../support/http.js'
import { Scrape } from '../support/metrics.js'
import { type RunningServer, startServer, stopServers, temporaryFolder } from '../support/server.js'

const file = (name: string) => fileURLToPath(new URL(`../../../../deploy/${name}`, import.meta.url))
const RULES = file('prometheus/rules.yml')
const RULE_TESTS = readdirSync(file('prometheus')).filter(name => name.endsWith('.test.yml'))
const STRIPE = new URL('../../../hookonce/dist/senders/stripe.js', import.meta.url)
const SERVER = new URL('../../dist/index.js', import.meta.url)
const TOKEN = 'a-token-for-tests'
const SCRAPING = { authorization: `Bearer ${TOKEN}` }

interface Expression {
  where: string
  expr: string
  severity?: string | undefined
}

interface Rule {
  alert?: string
  record?: string
  expr: string
  labels?: { severity: string }
}

const ruleExpressions: Expression[] = parse(readFileSync(RULES, 'utf8')).groups.flatMap(
  ({ rules }: { rules: Rule[] }) =>
    rules.map(({ alert, record, expr, labels }) => ({ where: (alert ?? record)!, expr, severity: labels?.severity })),
)

interface Panel {
  title: string
  targets?: { expr: string }[]
}

const dashboard = JSON.parse(readFileSync(file('grafana/hookonce.json'), 'utf8'))
const panelExpressions: Expression[] = (dashboard.panels as Panel[]).flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({
    where: title,
    expr: expr.replaceAll('$__rate_interval', '30s').replaceAll(/\$(source|instance)/g, '.*'),
  })),
)

const alerts = ruleExpressions.filter(({ where }) => /^[A-Z]/.test(where))
const expressions = [...ruleExpressions, ...panelExpressions]

let promtool: string
let prometheus: PrometheusServer
let receiver: RunningServer
let worker: RunningServer
let seen: Scrape
/** When all had been delivered and read, in seconds since the epoch. */
let deliveredAt: number

const query = async (expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> =>
  (await prometheus.api('query', { query: expr })).result

/** A receiver and a worker after some deliveries of every kind, read by a Prometheus of their own. */
beforeAll(async () => {
  promtool = await requireTool('promtool')
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, 'hookonce.config.mjs'),
    `import { stripe } from '${STRIPE}'
    import { forward } from '${SERVER}'
    export default { sources: {
      mails: { mode: 'inbox', retryDelaysSeconds: [], handle: () => new Response('', { status: 400 }) },
      orders: { mode: 'inbox', handle: forward('http://127.0.0.1:${await freePort()}') },
      payments: { sender: stripe({ secrets: ['whsec_another'] }) },
    } }`,
  )
  const env = { HOST: '127.0.0.1', HOOKONCE_ADMIN_TOKEN: TOKEN }
  receiver = await startServer({ cwd, env: { ...env, HOOKONCE_INBOX_CONCURRENCY: '0' } })
  worker = await startServer({ cwd, env: { ...env, HOOKONCE_WORK_PORT: '0' }, args: ['work'] })
  const { url } = receiver
  prometheus = await startPrometheus({ targets: [url, worker.url], bearerToken: TOKEN, rules: [RULES] })
  await until('Prometheus has read both', async () => (await query('hookonce_build_info')).length === 2)
  const deliver = (key: string, path: string, body = '{}') =>
    send(url + path, { headers: { 'x-idempotency-key': key }, body })
  let round = 0
  await until('Prometheus has read both several times while they worked', async () => {
    round++
    await Promise.all([
      deliver(`${round}`, '/webhook'),
      deliver('same', '/webhook'),
      deliver(`${round}`, '/hooks/mails'),
      deliver(`${round}`, '/hooks/orders'),
      deliver(`${round}`, '/hooks/payments'),
    ])
    await deliver('same', '/webhook', '{"other":true}')
    const counted = await query('count_over_time(hookonce_build_info[1m])')
    return round >= 10 && counted.every(({ value }) => Number(value[1]) >= 8)
  })
  const { text } = await send(`${url}/metrics`, { method: 'GET', headers: SCRAPING })
  seen = new Scrape(text)
  deliveredAt = Date.now() / 1000
}, TOOL_TIMEOUT_MS)

afterAll(async () => {
  await prometheus?.stop()
  stopServers()
})

test('the rules are valid', async () => {
  expect(await run(promtool, ['check', 'rules', RULES])).toMatchObject({ code: 0 })
})

test.each(RULE_TESTS)('the rules fire when they should: %s', async name => {
  const { code, output } = await run(promtool, ['test', 'rules', file(`prometheus/${name}`)])
  expect(output).toContain('SUCCESS')
  expect(code).toBe(0)
})

test('every alert is tested, when it fires and when it does not', () => {
  const cases: { alertname: string; exp_alerts?: unknown[] }[] = RULE_TESTS.flatMap(name =>
    parse(readFileSync(file(`prometheus/${name}`), 'utf8')).tests.flatMap(
      ({ alert_rule_test = [] }: { alert_rule_test?: [] }) => alert_rule_test,
    ),
  )
  expect(alerts.length).toBeGreaterThan(5)
  for (const { where } of alerts) {
    const fires = cases
      .filter(({ alertname }) => alertname === where)
      .map(({ exp_alerts = [] }) => exp_alerts.length > 0)
    expect([...new Set(fires)].sort(), where).toEqual([false, true])
  }
})

test('every alert has its row in the documentation, which says whether it is critical', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../../docs/how-to/alerts.md', import.meta.url)), 'utf8')
  const rows = [...page.matchAll(/^\| `(Hookonce\w+)` (\(critical\) )?\|/gm)].map(([, name, critical]) => [
    name,
    !!critical,
  ])
  expect(rows.sort()).toEqual(alerts.map(({ where, severity }) => [where, severity === 'critical']).sort())
})

test.each(expressions)('$where: $expr', async ({ expr }) => {
  const { resultType } = await prometheus.api('query', { query: expr })
  expect(resultType).toBe('vector')
  // Those with a colon are made by rules.
  const names = expr.match(/\b(hookonce|nodejs|process)[_:][\w:]+/g) ?? []
  expect(names).not.toEqual([])
  for (const name of names) if (!name.includes(':')) expect(seen.names, name).toContain(name)
})

test('every label that is asked for is one that the server shows from its start', () => {
  const asked = expressions.flatMap(({ where, expr }) =>
    [...expr.matchAll(/\b(source|outcome|end|kind|reason)!?[=~]+"([^"]+)"/g)].flatMap(([, label = '', values = '']) =>
      values === '.*' ? [] : values.split('|').map(value => ({ where, label, value })),
    ),
  )
  expect(new Set(asked.map(({ label }) => label))).toEqual(new Set(['outcome', 'end', 'kind', 'reason']))
  for (const { where, label, value } of asked) expect(seen.labelValues(label), where).toContain(value)
})

/** What fails here; the receiver attempts nothing of it, the worker does. */
test.each([
  { alert: 'HookonceTargetDown', sources: ['orders'] },
  { alert: 'HookonceForwardsFail', sources: ['orders'] },
  { alert: 'HookonceSourceFails', sources: ['mails', 'orders'] },
  { alert: 'HookonceNothingSucceeds', sources: ['mails', 'orders'] },
  { alert: 'HookonceDeliveriesRefused', sources: ['payments'] },
  { alert: 'HookonceSourceSilent', sources: [] },
  { alert: 'HookonceProcessDown', sources: [] },
  { alert: 'HookonceDown', sources: [] },
])('$alert is true of $sources', async ({ alert, sources }) => {
  const { expr } = alerts.find(({ where }) => where === alert)!
  await expect.poll(async () => (await query(expr)).map(({ metric }) => metric.source).sort()).toEqual(sources)
})

/** What shows nothing while nothing is wrong, or needs a week. */
const QUIET = /overload_rejections|lost_attempts|fenced_results|dropped_results|store_errors|offset 1w/

test('panels show what happened', async () => {
  for (const { where, expr } of panelExpressions) {
    if (QUIET.test(expr)) continue
    const { result } = await prometheus.api('query', { query: expr, time: String(deliveredAt) })
    expect(result.length, `${where}: ${expr}`).toBeGreaterThan(0)
  }
})

test('Prometheus evaluates the rules, and none fails', async () => {
  const rules = await until('each was evaluated', async () => {
    const { groups } = await prometheus.api('rules')
    const all = groups.flatMap((group: { rules: { health: string }[] }) => group.rules)
    return all.every(({ health }: { health: string }) => health !== 'unknown') && all
  })
  expect(rules).toHaveLength(ruleExpressions.length)
  for (const { health, lastError } of rules) expect([health, lastError]).toEqual(['ok', undefined])
})

test('a process that died is told by its instance, the last by its job', async () => {
  const down = (alert: string) => query(alerts.find(({ where }) => where === alert)!.expr)
  worker.kill('SIGKILL')
  const [dead] = await until('one does not answer', async () => {
    const found = await down('HookonceProcessDown')
    return found.length > 0 && found
  })
  expect(dead?.metric.instance).toBe(new URL(worker.url).host)
  expect(await down('HookonceDown')).toEqual([])
  receiver.kill('SIGKILL')
  const gone = await until('none answers', async () => {
    const found = await down('HookonceDown')
    return found.length > 0 && found
  })
  expect(gone.map(({ metric }) => metric)).toEqual([{ job: 'hookonce' }])
})
