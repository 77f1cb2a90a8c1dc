import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OPERATOR_TOKEN } from '../../packages/server/test/support/operator.js'
import { startServer, stopServers, temporaryFolder } from '../../packages/server/test/support/server.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../test-tools/index.js'
import { run } from '../test-tools/run.js'

/** Everything that an answer can do wrong by itself; who may ask what is shown by the server's own tests. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
]

const CONFIG = `export default {
  sources: {
    later: { mode: 'inbox', retryDelaysSeconds: [], handle: () => new Response('no', { status: 500 }) },
    own: { handle: () => Response.json({ ok: true }) },
  },
}
`

/** Too large a body is refused before it is looked at: 413 is as good as 400. */
const SETTINGS = `[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429]
`

let schemathesis: string

beforeAll(async () => {
  schemathesis = await requireTool('schemathesis')
}, TOOL_TIMEOUT_MS)
afterAll(stopServers)

test('whatever is asked, valid or not, the answer is one that /openapi.json describes, and none is 5xx', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
  writeFileSync(join(cwd, 'schemathesis.toml'), SETTINGS)
  // A simulated crash is healed after its lease.
  const { url } = await startServer({
    cwd,
    args: ['--store-url', 'memory:', '--wait-seconds', '1', '--lease-seconds', '0.5'],
  })
  const operator = `Authorization: Bearer ${OPERATOR_TOKEN}`
  const seed = process.env.HOOKONCE_TEST_SEED ?? String(Math.floor(Math.random() * 2 ** 31))
  // It leaves notes in the folder that it runs in.
  const args = [
    'run',
    `${url}/openapi.json`,
    '--header',
    operator,
    '--checks',
    CHECKS.join(','),
    '--phases',
    'examples,coverage,fuzzing',
    '--max-examples',
    '50',
    // It has no end.
    '--exclude-path',
    '/api/stream',
    '--seed',
    seed,
    '--no-color',
  ]
  const { code, output } = await run(schemathesis, args, process.env, cwd)
  expect(code, `${output}\nagain: HOOKONCE_TEST_SEED=${seed}`).toBe(0)
  const passed = /(\d+) generated, (\d+) passed/.exec(output)
  expect(Number(passed?.[2]), output).toBeGreaterThan(500)
  expect(passed?.[1]).toBe(passed?.[2])
})
