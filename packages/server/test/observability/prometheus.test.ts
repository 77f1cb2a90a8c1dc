import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type PrometheusServer, startPrometheus } from '../../../../scripts/test-servers/prometheus.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { run } from '../../../../scripts/test-tools/run.js'
import { until } from '../process/support/until.js'
import { send } from '../support/http.js'
import { Scrape } from '../support/metrics.js'
import { startServer, stopServers, temporaryFolder } from '../support/server.js'

const file = (name: string) => fileURLToPath(new URL(`../../../../deploy/${name}`, import.meta.url))
const RULES = file('prometheus/rules.yml')
const TOKEN = 'a-token-for-tests'
const SCRAPING = { authorization: `Bearer ${TOKEN}` }

interface Expression {
  where: string
  expr: string
}

const ruleExpressions: Expression[] = parse(readFileSync(RULES, 'utf8')).groups.flatMap(
  ({ rules }: { rules: { alert?: string; record?: string; expr: string }[] }) =>
    rules.map(({ alert, record, expr }) => ({ where: (alert ?? record)!, expr })),
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

const expressions = [...ruleExpressions, ...panelExpressions]

let promtool: string
let prometheus: PrometheusServer
let seen: Scrape

/** A server after some deliveries of every kind, read by a Prometheus of its own. */
beforeAll(async () => {
  promtool = await requireTool('promtool')
  const cwd = temporaryFolder()
  const mails = `{ mode: 'inbox', retryDelaysSeconds: [], handle: () => new Response('', { status: 400 }) }`
  writeFileSync(join(cwd, 'hookonce.config.mjs'), `export default { sources: { mails: ${mails} } }\n`)
  const { url } = await startServer({ cwd, env: { HOST: '127.0.0.1', HOOKONCE_ADMIN_TOKEN: TOKEN } })
  const deliver = (key: string, path: string, body = '{}') =>
    send(url + path, { headers: { 'x-idempotency-key': key }, body })
  prometheus = await startPrometheus({ target: url, bearerToken: TOKEN, rules: [RULES] })
  let round = 0
  await until('Prometheus has read the server several times while it worked', async () => {
    round++
    await Promise.all([
      deliver(`${round}`, '/webhook'),
      deliver('same', '/webhook'),
      deliver(`${round}`, '/hooks/mails'),
    ])
    await deliver('same', '/webhook', '{"other":true}')
    const { result } = await prometheus.api('query', { query: 'count_over_time(hookonce_build_info[1m])' })
    return Number(result[0]?.value[1]) >= 5
  })
  const { text } = await send(`${url}/metrics`, { method: 'GET', headers: SCRAPING })
  seen = new Scrape(text)
}, TOOL_TIMEOUT_MS)

afterAll(async () => {
  await prometheus?.stop()
  stopServers()
})

test('the rules are valid, and fire when they should', async () => {
  expect(await run(promtool, ['check', 'rules', RULES])).toMatchObject({ code: 0 })
  const { code, output } = await run(promtool, ['test', 'rules', file('prometheus/rules.test.yml')])
  expect(output).toContain('SUCCESS')
  expect(code).toBe(0)
})

test('every alert is tested', () => {
  const tested: string = readFileSync(file('prometheus/rules.test.yml'), 'utf8')
  const alerts = ruleExpressions.filter(({ where }) => /^[A-Z]/.test(where)).map(({ where }) => where)
  expect(alerts.length).toBeGreaterThan(5)
  for (const alert of alerts) expect(tested.split(`alertname: ${alert}`).length, alert).toBe(3)
})

test.each(expressions)('$where: $expr', async ({ expr }) => {
  const { resultType } = await prometheus.api('query', { query: expr })
  expect(resultType).toBe('vector')
  // Those with a colon are made by rules.
  const names = expr.match(/\b(hookonce|nodejs|process)[_:][\w:]+/g) ?? []
  expect(names).not.toEqual([])
  for (const name of names) if (!name.includes(':')) expect(seen.names, name).toContain(name)
})

/** What shows nothing while nothing is wrong. */
const QUIET = /overload_rejections|lost_attempts|fenced_results|dropped_results|store_errors/

test('panels show what happened', async () => {
  for (const { where, expr } of panelExpressions) {
    if (QUIET.test(expr)) continue
    const { result } = await prometheus.api('query', { query: expr })
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
