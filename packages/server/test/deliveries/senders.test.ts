import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Delivery } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import { github } from 'hookonce/senders/github'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { createJiti } from 'jiti'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { until } from '../process/support/until.js'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'
import { type RunningServer, startServer, stopServers, temporaryFolder } from '../support/server.js'
import { sendSigned, signed } from '../support/signed.js'

afterEach(closeApps)
afterAll(stopServers)

const SECRET = 'secret-that-nobody-may-see'
const hub = github({ secrets: [SECRET] })
const till = stripe({ secrets: [SECRET] })
const STRIPE = { HOOKONCE_SENDER: 'stripe', HOOKONCE_SECRET: SECRET }
const GITHUB = { HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: SECRET }

function counting(answer: (run: number) => Response = run => Response.json({ run })) {
  const handle = Object.assign(() => answer(++handle.runs), { runs: 0 })
  return handle
}

/** So that code in the folder finds it by its name. */
function linkLibrary(folder: string): void {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(fileURLToPath(new URL('../../../hookonce', import.meta.url)), join(folder, 'node_modules/hookonce'))
}

const get = (url: string) => send(url, { method: 'GET' })

/** Counts what is asked of it. */
function watched() {
  const inner = memoryStore()
  const questions: string[] = []
  const store = new Proxy(inner, {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        questions.push(String(name))
        return member.apply(target, args)
      }
    },
  })
  return { store, questions }
}

describe('the default source with a sender by the environment', () => {
  test('runs a signed delivery once; paths may have a query', async () => {
    const handle = counting()
    const { url } = await startApp({ env: STRIPE, sources: { default: { handle } } })
    const event = { body: '{"id":"evt_1"}' }
    const answers = []
    for (const path of ['/webhook', '/webhook?x=1', '/hooks/default', '/hooks/default?x=1']) {
      answers.push(await sendSigned(url + path, till, event))
    }
    expect(answers.map(({ status, headers }) => [status, headers['x-cached']])).toEqual([
      [200, undefined],
      [200, 'true'],
      [200, 'true'],
      [200, 'true'],
    ])
    expect(handle.runs).toBe(1)
  })

  test.each([
    ['a form', 'payload=%7B%22zen%22%3A%22It+works%22%7D', 'application/x-www-form-urlencoded'],
    ['no text', '\u0000\u0001', 'application/octet-stream'],
    ['nothing', '', 'application/json'],
  ])('acknowledges what was signed, whatever its form, where nothing handles it: %s', async (_, body, type) => {
    const { url } = await startApp({ env: GITHUB })
    const event = { body, headers: { 'content-type': type } }
    const answers = [await sendSigned(`${url}/webhook`, hub, event), await sendSigned(`${url}/webhook`, hub, event)]
    expect(answers.map(({ status, headers }) => [status, headers['x-cached']])).toEqual([
      [200, undefined],
      [200, 'true'],
    ])
    expect(answers[0]!.json.status).toBe('success')
  })

  test('answers 401 to everything else, without the store', async () => {
    const handle = counting()
    const { store, questions } = watched()
    const { url } = await startApp({ env: STRIPE, sources: { default: { handle } }, store })
    const genuine = signed(till, { body: '{"id":"evt_1"}' })
    const answers = [
      await send(`${url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' }, body: '{}' }),
      await sendSigned(`${url}/webhook`, stripe({ secrets: ['another'] }), { body: '{"id":"evt_1"}' }),
      await send(`${url}/webhook`, { ...genuine, body: `${genuine.body} ` }),
      await send(`${url}/webhook`, { ...genuine, headers: { ...genuine.headers, 'stripe-signature': 't=1,v1=00' } }),
    ]
    expect(answers.map(({ status, json }) => [status, json.code])).toEqual(Array(4).fill([401, 'signature_invalid']))
    expect([handle.runs, questions]).toEqual([0, []])
  })

  test('keeps results for as long as its sender retries', async () => {
    const { url } = await startApp({ env: STRIPE })
    await sendSigned(`${url}/webhook`, till, { body: '{"id":"evt_1"}' })
    const { json } = await get(`${url}/webhook/idempotency/evt_1`)
    expect((Date.parse(json.expires_at) - Date.parse(json.cached_at)) / 86_400_000).toBe(30)
  })

  test('runs a captured body once, whatever its key header', async () => {
    const handle = counting()
    const { url } = await startApp({ env: GITHUB, sources: { default: { handle } } })
    const { headers, body } = signed(hub, { body: '{"n":1}' })
    for (const n of [1, 2, 3]) {
      const fresh = { ...headers, 'x-idempotency-key': `fresh-${n}`, 'idempotency-key': `fresh-${n}` }
      expect((await send(`${url}/webhook`, { headers: fresh, body })).json).toEqual({ run: 1 })
      const renamed = { ...headers, 'x-github-delivery': `fresh-${n}` }
      expect((await send(`${url}/webhook`, { headers: renamed, body })).json).toEqual({ run: 1 })
    }
    expect(handle.runs).toBe(1)
  })
})

describe('/webhook/no-idempotency', () => {
  test('does not exist if the default source has a sender', async () => {
    const { url } = await startApp({ env: STRIPE })
    const signedToo = await sendSigned(`${url}/webhook/no-idempotency`, till, { body: '{"id":"evt_1"}' })
    expect([signedToo.status, signedToo.json.code]).toEqual([404, 'not_found'])
    expect(Object.keys((await get(`${url}/`)).json.endpoints)).not.toContain('POST /webhook/no-idempotency')
  })

  test('exists if it is allowed, and runs signed deliveries every time', async () => {
    const handle = counting()
    const { url } = await startApp({
      env: { ...GITHUB, HOOKONCE_ALLOW_NO_IDEMPOTENCY: 'true' },
      sources: { default: { handle } },
    })
    const path = `${url}/webhook/no-idempotency`
    const runs = [await sendSigned(path, hub), await sendSigned(path, hub)].map(({ json }) => json.run)
    expect(runs).toEqual([1, 2])
    expect((await send(path, { body: '{}' })).status).toBe(401)
    expect((await sendSigned(path, github({ secrets: ['another'] }))).status).toBe(401)
    expect(handle.runs).toBe(2)
  })

  test('answers the handshakes of a sender', async () => {
    const { url } = await startApp({
      env: { HOOKONCE_ALLOW_NO_IDEMPOTENCY: 'true' },
      sources: { default: { sender: new Greeted() } },
    })
    const hello = await get(`${url}/webhook/no-idempotency?challenge=42`)
    expect([hello.status, hello.text]).toEqual([200, '42'])
    const runs = [1, 2].map(() => sendSigned(`${url}/webhook/no-idempotency`, new Greeted()))
    for (const { status, headers } of await Promise.all(runs)) {
      expect([status, headers['x-cached']]).toEqual([200, undefined])
    }
  })
})

/** Asks by GET before it sends, as Meta does; of a class, as somebody's own sender may be. */
class Greeted implements Sender {
  readonly facts = { ...hub.facts, name: 'greeted' }
  readonly #inner = hub

  verify(delivery: Delivery, now: number) {
    return this.#inner.verify(delivery, now)
  }

  key(delivery: Delivery) {
    return this.#inner.key(delivery)
  }

  unsignedHandshake({ method, url, body }: Delivery) {
    if (method !== 'GET' || body.length > 0) return null
    const challenge = new URLSearchParams(url.split('?')[1]).get('challenge')
    return challenge === null ? null : { status: 200, headers: [], body: Buffer.from(challenge) }
  }

  sign(event: Parameters<Sender['sign']>[0]) {
    return this.#inner.sign(event)
  }
}

describe('sources of a config file', () => {
  test('have their own senders, inline and in an inbox', async () => {
    const handle = counting()
    const { url } = await startApp({
      sources: {
        till: { sender: till, handle },
        hub: { sender: hub, handle, mode: 'inbox' },
        open: { handle },
      },
    })
    expect((await sendSigned(`${url}/hooks/till`, till, { body: '{"id":"evt_1"}' })).status).toBe(200)
    expect((await sendSigned(`${url}/hooks/hub`, till)).status).toBe(401)
    expect((await sendSigned(`${url}/hooks/hub`, hub)).status).toBe(202)
    expect((await send(`${url}/hooks/open`, { body: '{}' })).status).toBe(200)
    await until('the accepted one is worked on', () => handle.runs === 3)
  })

  test('answer GET only if their sender has an unsigned handshake', async () => {
    const { url } = await startApp({ sources: { greeted: { sender: new Greeted() }, hub: { sender: hub }, open: {} } })
    const hello = await get(`${url}/hooks/greeted?challenge=42`)
    expect([hello.status, hello.text]).toEqual([200, '42'])
    const withBody = await send(`${url}/hooks/greeted?challenge=7`, {
      method: 'GET',
      headers: { 'content-length': '6' },
      body: 'a body',
    })
    expect([withBody.status, withBody.text]).toEqual([200, '7'])
    const noQuestion = await get(`${url}/hooks/greeted`)
    expect([noQuestion.status, noQuestion.headers.allow]).toEqual([405, 'POST'])
    for (const path of ['/hooks/hub', '/hooks/open', '/webhook']) {
      const { status, headers } = await get(url + path)
      expect([status, headers.allow]).toEqual([405, 'OPTIONS, POST'])
    }
  })

  test('show their records to operators, by the sender’s label too', async () => {
    const { url, receiver } = await startApp({
      sources: { hub: { sender: hub }, later: { sender: hub, mode: 'inbox' } },
    })
    for (const source of ['hub', 'later']) await sendSigned(`${url}/hooks/${source}`, hub, { id: 'one-guid' })
    await sendSigned(`${url}/hooks/hub`, hub, { id: 'another', body: '{"another":1}' })
    const listed = async (query: string) => (await get(`${url}/api/records?${query}`)).json.records
    const found = async (query: string) => (await listed(query)).map(({ source, label }: Named) => [source, label])
    expect((await found('label=one-guid')).sort()).toEqual([
      ['hub', 'one-guid'],
      ['later', 'one-guid'],
    ])
    expect(await found('label=one-guid&source=hub')).toEqual([['hub', 'one-guid']])
    expect(await found('label=nobody')).toEqual([])
    const { records } = await receiver.records({ limit: 100, label: 'one-guid', scope: 'later' })
    const { key } = records[0]!
    expect(key).toMatch(/^sha256:/)
    const later = `${url}/webhook/idempotency/${key}?source=later`
    await until('it is completed', async () => (await get(later)).json.state === 'completed')
    expect((await get(later)).json).toMatchObject({ key, label: 'one-guid', source: 'later' })
    expect((await get(`${url}/api/record?key=${key}&source=later`)).json).toMatchObject({ key, label: 'one-guid' })
    const { json } = await get(`${url}/webhook/events`)
    expect(json.events.map(({ source, label }: Named) => [source, label])).toEqual([['later', 'one-guid']])
    const hooks = `${url}/webhook/idempotency/${key}?source=hub`
    expect((await send(hooks, { method: 'DELETE' })).json).toEqual({ status: 'cleared', key })
    expect((await get(hooks)).status).toBe(404)
  })

  test('are tested with a delivery of their sender, under the key of its record', async () => {
    const { url } = await startApp({ sources: { hub: { sender: hub }, till: { sender: till } } })
    const tried = async (source: string, test: object) => {
      const headers = { 'x-hookonce-operator': '1', 'content-type': 'application/json' }
      const body = JSON.stringify(test)
      return (await send(`${url}/api/test?source=${source}`, { headers, body })).json
    }
    const { key, first, duplicate } = await tried('hub', { key: 'guid-1' })
    expect([first, duplicate].map(({ headers }) => new Map(headers).get('x-cached'))).toEqual([undefined, 'true'])
    expect((await get(`${url}/api/record?key=${key}&source=hub`)).json).toMatchObject({ key, label: 'guid-1' })
    const invalid = await tried('till', { key: 'evt_1', body: '{"id":true}' })
    expect([invalid.key, invalid.first.status, invalid.duplicate.status]).toEqual(['evt_1', 400, 400])
  })
})

interface Named {
  source: string
  label: string | null
}

describe('the process', () => {
  const all = ({ stdout, stderr }: RunningServer) => stdout() + stderr()

  async function stopped(server: RunningServer): Promise<string> {
    server.kill()
    await server.exited
    return all(server)
  }

  test('accepts the old and the new secret during a rotation, by restarts', async () => {
    const cwd = temporaryFolder()
    const [old, fresh] = ['old-secret', 'new-secret'].map(secret => stripe({ secrets: [secret] }))
    const statuses: number[][] = []
    for (const HOOKONCE_SECRET of ['old-secret', 'new-secret\nold-secret', 'new-secret']) {
      const server = await startServer({ cwd, env: { HOOKONCE_SENDER: 'stripe', HOOKONCE_SECRET } })
      const event = { body: '{"id":"evt_1"}' }
      const answers = [old!, fresh!].map(sender => sendSigned(`${server.url}/webhook`, sender, event))
      statuses.push((await Promise.all(answers)).map(({ status }) => status))
      await stopped(server)
    }
    expect(statuses).toEqual([
      [200, 401],
      [200, 200],
      [401, 200],
    ])
  })

  test('never logs secrets, signatures and bodies; at debug it logs the key', async () => {
    const server = await startServer({
      env: { ...GITHUB, HOOKONCE_VERIFY_TOKEN: 'word-of-mine', HOOKONCE_STORE_URL: 'memory:', LOG_LEVEL: 'debug' },
    })
    const genuine = signed(hub, {
      id: 'guid-1',
      body: '{"body-of-a":"sender"}',
      headers: { 'x-idempotency-key': 'not-it' },
    })
    const signature = (genuine.headers as Record<string, string>)['x-hub-signature-256']!
    await send(`${server.url}/webhook`, genuine)
    await send(`${server.url}/webhook`, { ...genuine, body: 'body-of-a stranger' })
    await send(`${server.url}/webhook`, { headers: { 'x-idempotency-key': 'guid-2' }, body: '{}' })
    const log = await stopped(server)
    const keys = log
      .split('\n')
      .filter(line => line.includes('"msg":"delivery"'))
      .map(line => JSON.parse(line).key)
    expect(keys).toEqual([expect.stringMatching(/^sha256:/), undefined, undefined])
    for (const word of [SECRET, 'word-of-mine', signature, signature.slice(7), 'body-of-a', 'not-it', 'guid-2']) {
      expect(log).not.toContain(word)
    }
  })

  test('logs many refusals in few lines, and the warnings of the library', async () => {
    const server = await startServer({
      env: { ...STRIPE, HOOKONCE_STORE_URL: 'memory:', HOOKONCE_TTL_SECONDS: '3600' },
    })
    const refused = await Promise.all(Array.from({ length: 50 }, () => send(`${server.url}/webhook`, { body: '{}' })))
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([401]))
    const log = await stopped(server)
    const lines = log
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'listening', senders: { default: 'stripe' } }))
    const refusals = lines.filter(({ msg }) => msg.startsWith('deliveries refused'))
    const reason = expect.stringContaining('no signature')
    expect(refusals[0]).toMatchObject({ level: 'info', source: 'default', count: 1, reason })
    expect(refusals.length).toBeLessThan(10)
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        warning: 'HookonceWarning',
        msg: expect.stringContaining('kept for 1 h'),
      }),
    )
  })

  test('warns of a handler that exceeds the sender’s deadline, and recommends the inbox', async () => {
    const cwd = temporaryFolder()
    linkLibrary(cwd)
    writeFileSync(
      join(cwd, 'hookonce.config.mjs'),
      `import { github } from 'hookonce/senders/github'
const hub = github({ secrets: [${JSON.stringify(SECRET)}] })
const hasty = { ...hub, facts: { ...hub.facts, deadlineMs: 1 } }
const slow = async () => {
  await new Promise(resolve => setTimeout(resolve, 20))
  return new Response('done')
}
export default { storeUrl: 'memory:', sources: { hasty: { sender: hasty, handle: slow } } }`,
    )
    const server = await startServer({ cwd })
    expect((await sendSigned(`${server.url}/hooks/hasty`, hub)).text).toBe('done')
    const log = await stopped(server)
    expect(log).toMatch(/"level":"warn".*"source":"hasty".*"deadlineMs":1.*longer than the sender waits.*mode inbox/)
    expect(log).not.toContain('id-1')
  })
})

test('a custom sender, as in the guide', async () => {
  const guide = readFileSync(new URL('../../../../docs/how-to/write-a-sender.md', import.meta.url), 'utf8')
  const code = /```ts script\n(import \{ defineSender[\s\S]*?)```/.exec(guide)![1]!
  const cwd = temporaryFolder()
  linkLibrary(cwd)
  writeFileSync(join(cwd, 'acme.ts'), code)
  const { acme } = await createJiti(import.meta.url, { fsCache: false }).import<{
    acme: (options: { secrets: string[] }) => Sender
  }>(join(cwd, 'acme.ts'))

  const handle = counting()
  const { url } = await startApp({ sources: { acme: { sender: acme({ secrets: [SECRET, 'old'] }), handle } } })
  const hooks = `${url}/hooks/acme`
  const [own, old, another] = [SECRET, 'old', 'another'].map(secret => acme({ secrets: [secret] }))
  expect((await sendSigned(hooks, own!)).json).toEqual({ run: 1 })
  expect((await sendSigned(hooks, old!)).json).toEqual({ run: 1 })
  expect((await sendSigned(hooks, own!, { id: 'id-2' })).json).toEqual({ run: 1 })
  expect((await sendSigned(hooks, own!, { id: 'id-3', body: '{"n":3}' })).json).toEqual({ run: 2 })
  expect((await sendSigned(hooks, another!)).status).toBe(401)
  const { headers, body } = signed(own!)
  expect((await send(hooks, { headers, body: `${body} ` })).status).toBe(401)
  expect((await send(hooks, { headers: { ...headers, 'acme-time': '1' }, body })).status).toBe(401)
  expect(handle.runs).toBe(2)
})

test('a refused handshake is a 403, and few lines at info', async () => {
  const env = { HOOKONCE_SENDER: 'meta', HOOKONCE_SECRET: SECRET, HOOKONCE_VERIFY_TOKEN: 'word' }
  const { url, logged } = await startApp({ env })
  const ask = (query: string) => get(`${url}/webhook?hub.mode=${query}`)
  expect((await ask('subscribe&hub.challenge=7&hub.verify_token=word')).text).toBe('7')
  for (const query of ['subscribe&hub.challenge=7&hub.verify_token=nope', 'unsubscribe', 'subscribe']) {
    const answer = await ask(query)
    expect([answer.status, answer.text]).toEqual([403, 'Forbidden'])
  }
  const lines = logged()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.filter(({ reason }) => reason !== undefined)).toHaveLength(1)
  expect(lines.filter(({ level }) => level > 30)).toEqual([])
})
