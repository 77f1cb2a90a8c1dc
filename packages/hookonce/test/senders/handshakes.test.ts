import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createReceiver } from 'hookonce'
import { handleNode } from 'hookonce/adapters/node'
import { SENDERS, type Sender } from 'hookonce/senders'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RECIPES } from './recipes.js'
import { countedStore } from './support.js'

const VERIFY_TOKEN = 'a verify token'

let asked: () => number
let runs: number
let server: Server
let url: string
let secret: string
let sender: Sender

/** A receiver of one sender's deliveries, at `url`. */
async function serve(name: string) {
  runs = 0
  const recipe = RECIPES[name]!
  secret = recipe.secret()
  const options = (of: string) => ({
    secrets: [of],
    verifyToken: VERIFY_TOKEN,
    publicUrl: 'https://hooks.example.com/x',
  })
  sender = SENDERS.get(name)!.create(options(secret))
  const counted = countedStore()
  asked = counted.asked
  const hooks = createReceiver({ store: counted.store }).source({
    name,
    sender: SENDERS.get(name)!.create(options(recipe.publicHalf?.(secret) ?? secret)),
  })
  server = createServer(handleNode(hooks, (_, res) => res.end(`run ${++runs}`)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/x`
}
afterEach(() => new Promise(resolve => server.close(resolve)))

async function post(body: unknown, { signed = true, headers = {}, id = 'id-1' } = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const own = signed
    ? sender.sign({ method: 'POST', url: 'https://hooks.example.com/x', body: Buffer.from(text), id, now: Date.now() })
    : []
  const all = new Headers([['content-type', 'application/json'], ...own] as [string, string][])
  for (const [name, value] of Object.entries(headers)) all.set(name, value as string)
  return answerTo(fetch(url, { method: 'POST', headers: all, body: text }))
}

const get = (query: Record<string, string> | [string, string][]) =>
  answerTo(fetch(`${url}?${new URLSearchParams(query)}`))

async function answerTo(request: Promise<Response>) {
  const response = await request
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
}

/** It was a question about the place, and no event. */
function ranNothing() {
  expect([runs, asked()]).toEqual([0, 0])
}

describe('Twitch', () => {
  beforeEach(() => serve('twitch'))
  const verification = { 'twitch-eventsub-message-type': 'webhook_callback_verification' }
  const challenge = { challenge: 'pogchamp-kappa-360noscope-vohiyo', subscription: { id: '1' } }

  test('gets its challenge back, raw and as text, every time', async () => {
    for (let time = 0; time < 2; time++) {
      const answer = await post(challenge, { headers: verification })
      expect(answer).toEqual({ status: 200, type: 'text/plain; charset=utf-8', body: challenge.challenge })
    }
    ranNothing()
  })

  test('a challenge that it did not sign is refused', async () => {
    expect((await post(challenge, { headers: verification, signed: false })).status).toBe(401)
    const forged = { ...verification, 'twitch-eventsub-message-signature': `sha256=${'0'.repeat(64)}` }
    const answer = await post(challenge, { headers: forged })
    expect([answer.status, answer.body.includes(challenge.challenge)]).toEqual([401, false])
    ranNothing()
  })

  test('a revocation is an event: it runs once and is acknowledged', async () => {
    const body = { subscription: { id: '1', status: 'authorization_revoked' } }
    const headers = { 'twitch-eventsub-message-type': 'revocation' }
    expect([(await post(body, { headers })).body, (await post(body, { headers })).body]).toEqual(['run 1', 'run 1'])
    expect(runs).toBe(1)
  })

  test('an event runs, even if its type, which is not signed, was changed to a challenge’s', async () => {
    expect((await post({ event: {} }, { headers: verification })).body).toBe('run 1')
  })
})

describe('Meta', () => {
  beforeEach(() => serve('meta'))
  const asks = { 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': VERIFY_TOKEN }

  test('gets its challenge back when it shows the token', async () => {
    const answer = await get(asks)
    expect(answer).toEqual({ status: 200, type: 'text/plain; charset=utf-8', body: '1158201444' })
    ranNothing()
  })

  test('a wrong token gets no challenge', async () => {
    const questions: (Record<string, string> | [string, string][])[] = [
      { ...asks, 'hub.verify_token': 'another' },
      { ...asks, 'hub.verify_token': VERIFY_TOKEN.toUpperCase() },
      { ...asks, 'hub.verify_token': '' },
      { 'hub.mode': 'subscribe', 'hub.challenge': '1' },
      { ...asks, 'hub.mode': 'unsubscribe' },
      [...Object.entries(asks), ['hub.verify_token', 'another']],
    ]
    for (const question of questions) {
      const answer = await get(question)
      expect([answer.status, answer.body.includes('1158201444')]).toEqual([403, false])
    }
    ranNothing()
  })

  test('what is no such question is no place to GET', async () => {
    expect((await get({})).status).toBe(405)
    expect((await post('', { signed: false })).status).toBe(401)
    ranNothing()
  })

  test('events are verified, with the token in the query too', async () => {
    url += `?${new URLSearchParams(asks)}`
    expect((await post({ entry: [] }, { signed: false })).status).toBe(401)
    expect((await post({ entry: [] })).body).toBe('run 1')
  })
})

describe('Discord interactions', () => {
  beforeEach(() => serve('discord'))

  test('its PING is answered by a PONG', async () => {
    const answer = await post({ id: '1', type: 1 })
    expect([answer.status, answer.type, JSON.parse(answer.body)]).toEqual([200, 'application/json', { type: 1 }])
    ranNothing()
  })

  test('its probes with wrong signatures are refused', async () => {
    expect((await post({ id: '1', type: 1 }, { signed: false })).status).toBe(401)
    const wrong = { 'x-signature-ed25519': '00'.repeat(64) }
    expect((await post({ id: '1', type: 1 }, { headers: wrong })).status).toBe(401)
    ranNothing()
  })

  test('an interaction gets the handler’s answer', async () => {
    expect(await post({ id: '1', type: 2 })).toMatchObject({ status: 200, body: 'run 1' })
  })
})

describe('Discord events', () => {
  beforeEach(() => serve('discord-events'))

  test('its PING is acknowledged without a body', async () => {
    expect(await post({ application_id: '1', type: 0 })).toMatchObject({ status: 204, body: '' })
    ranNothing()
  })

  test('its probes with wrong signatures are refused', async () => {
    expect((await post({ type: 0 }, { signed: false })).status).toBe(401)
    const wrong = { 'x-signature-ed25519': '00'.repeat(64) }
    expect((await post({ type: 0 }, { headers: wrong })).status).toBe(401)
    ranNothing()
  })

  test('an event is acknowledged without a body', async () => {
    expect(await post({ type: 1, event: { type: 'X' } })).toMatchObject({ status: 204, body: '' })
    expect(runs).toBe(1)
  })
})

describe('Slack', () => {
  beforeEach(() => serve('slack'))
  const question = {
    type: 'url_verification',
    token: 'x',
    challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P',
  }

  test('gets its challenge back, every time', async () => {
    for (let time = 0; time < 2; time++) {
      const answer = await post(question)
      expect(answer.status).toBe(200)
      // As text or as JSON: Slack takes both.
      const given = answer.type?.startsWith('application/json') ? JSON.parse(answer.body).challenge : answer.body
      expect(given).toBe(question.challenge)
    }
    ranNothing()
  })

  test('a challenge that it did not sign is refused', async () => {
    const answer = await post(question, { signed: false })
    expect([answer.status, answer.body.includes(question.challenge)]).toEqual([401, false])
    ranNothing()
  })

  test('an event with a challenge in it runs', async () => {
    expect((await post({ type: 'event_callback', event_id: 'Ev1', challenge: 'x' })).body).toBe('run 1')
  })
})

describe('Zoom', () => {
  beforeEach(() => serve('zoom'))
  const question = (plainToken: unknown) => ({ event: 'endpoint.url_validation', event_ts: 1, payload: { plainToken } })
  const hmacOf = (text: string) => createHmac('sha256', secret).update(text).digest('hex')

  test('gets its token and the digest of it, every time', async () => {
    for (let time = 0; time < 2; time++) {
      const answer = await post(question('qgg8vlvZRS6UYooatFL8Aw'))
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.body)).toEqual({
        plainToken: 'qgg8vlvZRS6UYooatFL8Aw',
        encryptedToken: hmacOf('qgg8vlvZRS6UYooatFL8Aw'),
      })
    }
    ranNothing()
  })

  test('does not answer an unsigned challenge', async () => {
    const answer = await post(question('qgg8vlvZRS6UYooatFL8Aw'), { signed: false })
    expect([answer.status, answer.body.includes(hmacOf('qgg8vlvZRS6UYooatFL8Aw'))]).toEqual([401, false])
    ranNothing()
  })

  test('does not sign an event in place of a challenge', async () => {
    const event = `v0:${Math.floor(Date.now() / 1000)}:{"event":"meeting.ended"}`
    for (const token of [event, 'a:b', '{', '"', 'a b', 'a\n', '', 'a'.repeat(257), 1, null, ['a'], { a: 1 }]) {
      const answer = await post(question(token))
      expect([token, answer.status < 300]).toEqual([token, false])
      expect(answer.body).not.toContain(hmacOf(String(token)))
    }
    ranNothing()
  })
})
