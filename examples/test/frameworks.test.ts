import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/test-servers/free-port.js'
import { inRepository, runToEnd, start } from './support/process.js'
import { until } from './support/waiting.js'
import { deliver } from './support/webhook.js'

const EVENT = { event: 'order.paid' }
const SECRET = 'a-secret-for-development-only'

interface Example {
  /** The command of its `npm run build`, in its folder. */
  build?: [program: string, ...args: string[]]
  file: string
  path?: string
  /** How it answers the first event. */
  status?: number
  body: string
  more?: (url: string, output: () => string) => Promise<void>
}

const answered = '{"ok":true,"event":"order.paid","attempt":1}'

const EXAMPLES: Record<string, Example> = {
  koa: {
    file: 'server.js',
    status: 201,
    body: '{"ok":true,"order":1,"event":"order.paid","attempt":1}',
  },
  elysia: { file: 'server.js', body: answered },
  nestjs: {
    build: ['typescript/bin/tsc'],
    file: 'dist/main.js',
    path: '/webhooks/orders',
    status: 201,
    body: '{"ok":true,"order":1,"attempt":1}',
    more: exceptionsAndSignatures,
  },
  sveltekit: {
    build: ['vite/bin/vite.js', 'build'],
    file: 'build/index.js',
    body: answered,
    more: errorsAndSignatures,
  },
  nitro: {
    build: ['../examples/nitro/node_modules/nitro/dist/cli/index.mjs', 'build'],
    file: '.output/server/index.mjs',
    body: answered,
    more: errorsAndSignatures,
  },
}

async function started(name: string) {
  const { build, file } = EXAMPLES[name]!
  const folder = inRepository(`examples/${name}`)
  if (build !== undefined) {
    const [program, ...args] = build
    const { code, output } = await runToEnd(process.execPath, [inRepository(`node_modules/${program}`), ...args], {
      cwd: folder,
    })
    expect(code, output).toBe(0)
  }
  return start(process.execPath, [`${folder}/${file}`], {
    env: { PORT: String(await freePort()), HOST: '127.0.0.1' },
  })
}

describe.each(Object.entries(EXAMPLES))('%s', (name, { path = '/webhook', status = 200, body, more }) => {
  test('a duplicate gets the first answer; another body under its key is refused', async () => {
    const { url, stop, output } = await started(name)
    // Elysia says that it listens a moment before it does.
    await until('it listens', () => fetch(url).then(Boolean, () => false))
    const first = await deliver(url + path, 'order-1', EVENT)
    expect(first).toEqual({ status, cached: false, body })
    expect(await deliver(url + path, 'order-1', EVENT)).toEqual({ ...first, cached: true })
    expect((await deliver(url + path, 'order-1', { event: 'order.refunded' })).status).toBe(422)
    await more?.(url, output)
    await stop()
  })
})

async function exceptionsAndSignatures(url: string): Promise<void> {
  const early = { event: 'order.early' }
  expect((await deliver(`${url}/webhooks/orders`, 'order-2', early)).status).toBe(409)
  expect((await deliver(`${url}/webhooks/orders`, 'order-2', early)).body).toContain('"attempt":2')

  await signatures(`${url}/webhooks/shop`, 201)
}

async function errorsAndSignatures(url: string, output: () => string): Promise<void> {
  const lost = { event: 'order.lost' }
  expect((await deliver(`${url}/webhook`, 'order-2', lost)).status).toBe(500)
  await until('the error is on the console', async () => output().includes('no such event: order.lost'))
  await signatures(`${url}/shop`, 200)
}

/** A signed route answers what is signed over the very bytes, once. */
async function signatures(url: string, status: number): Promise<void> {
  // Other bytes than a parser would write.
  const body = '{ "event":  "order.paid" }'
  const signature = createHmac('sha256', SECRET).update(body).digest('hex')
  const send = (signed: string) =>
    fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'x-signature': signed },
    })
  expect((await send('no')).status).toBe(401)
  expect((await send(signature)).status).toBe(status)
  expect((await send(signature)).headers.get('x-cached')).toBe('true')
}
