import { Delivery } from 'hookonce'
import { github } from 'hookonce/senders'
import { afterAll, describe, expect, test } from 'vitest'
import { until } from '../../process/support/until.js'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'
import { startUpstream } from '../../support/upstream.js'

afterAll(closeApps)

const JSON_TYPE = { 'content-type': 'application/json' }

const deliver = (url: string, key: string, source = 'default') =>
  send(`${url}/hooks/${source}`, { headers: { ...JSON_TYPE, 'x-idempotency-key': key }, body: '{"event":"e"}' })

const get = (url: string) => send(url, { method: 'GET' })

const change = (url: string, body?: object) =>
  send(url, { headers: JSON_TYPE, ...(body && { body: JSON.stringify(body) }) })

const remove = (url: string) => send(url, { method: 'DELETE', headers: { 'x-hookonce-operator': '1' } })

const recordAt = (url: string, key: string, source = 'default') =>
  `${url}/api/record?${new URLSearchParams({ source, key })}`

const audited = (logged: string) =>
  logged
    .split('\n')
    .filter(line => line.includes('"audit":true'))
    .map(line => JSON.parse(line))

describe('records', () => {
  test('are listed by source and state, page by page', async () => {
    const fail = () => new Response('no', { status: 500 })
    const { url } = await startApp({ sources: { shop: { handle: fail } } })
    for (let i = 0; i < 5; i++) await deliver(url, `d${i}`)
    await deliver(url, 's', 'shop')
    const keys = async (query: string) => {
      const { json } = await get(`${url}/api/records${query}`)
      return json.records.map(({ key }: { key: string }) => key).sort()
    }
    expect(await keys('')).toEqual(['d0', 'd1', 'd2', 'd3', 'd4', 's'])
    expect(await keys('?source=shop')).toEqual(['s'])
    expect(await keys('?state=failed')).toEqual(['s'])
    const first = (await get(`${url}/api/records?source=default&limit=3`)).json
    const second = (await get(`${url}/api/records?source=default&limit=3&after=${first.next}`)).json
    expect([first.records.length, second.records.length, second.next]).toEqual([3, 2, undefined])
    expect((await get(`${url}/api/records?source=none`)).status).toBe(404)
    for (const wrong of ['limit=0', 'limit=501', 'limit=x', 'state=gone', 'after=made-up']) {
      expect([wrong, (await get(`${url}/api/records?${wrong}`)).status]).toEqual([wrong, 400])
    }
  })

  test('have the sender’s label', async () => {
    const { url, receiver } = await startApp()
    const labels: string[] = []
    const sender = github({ secrets: ['secret'] })
    const source = receiver.source({ name: 'default', sender })
    const body = Buffer.from('{}')
    for (const id of ['a', 'b', 'c']) {
      const signed = sender.sign({ method: 'POST', url: 'http://localhost/', body: Buffer.from(id), id, now: 0 })
      const delivery = new Delivery({ method: 'POST', url: '/', headers: signed, body: Buffer.from(id) })
      await source.receive(delivery, () => ({ status: 200, headers: [], body }))
    }
    let next: string | undefined
    do {
      const { json } = await get(`${url}/api/records?limit=2${next === undefined ? '' : `&after=${next}`}`)
      for (const { source, label } of json.records) labels.push(`${source} ${label}`)
      next = json.next
    } while (next !== undefined)
    expect(labels.sort()).toEqual(['default a', 'default b', 'default c'])
  })

  test('are shown in full', async () => {
    const handle = () => new Response('hello', { status: 201, headers: [['x-multi', '1']] })
    const { url } = await startApp({ sources: { shop: { handle } } })
    await deliver(url, 'k', 'shop')
    const { json } = await get(recordAt(url, 'k', 'shop'))
    expect(json).toEqual({
      source: 'shop',
      key: 'k',
      label: null,
      state: 'completed',
      attempts: 1,
      losses: 0,
      created_at: expect.any(String),
      claimed_at: expect.any(String),
      settled_at: expect.any(String),
      expires_at: expect.any(String),
      last_error: null,
      lease_remaining_ms: 0,
      fingerprint: expect.any(String),
      fencing_token: expect.stringMatching(/^\d+$/),
      history: [expect.objectContaining({ number: 1, outcome: 'recorded' })],
      duplicates: { count: 0, first_at: null, last_at: null, at_least: false },
      response: {
        status: 201,
        headers: [
          ['content-type', 'text/plain;charset=UTF-8'],
          ['x-multi', '1'],
        ],
        body: 'hello',
        body_encoding: 'utf8',
        body_omitted: false,
      },
    })
    expect((await get(`${url}/api/record?key=k`)).status).toBe(404)
  })

  test('tell of each attempt: when it began, what it took, in which process, how it ended', async () => {
    const ends = [
      () => new Response('busy', { status: 503 }),
      () => {
        throw new Error('the card was declined')
      },
      () => new Response('hello'),
    ]
    const { url } = await startApp({ sources: { shop: { handle: (_, { number }) => ends[number - 1]!() } } })
    for (const _ of ends) await deliver(url, 'k', 'shop')
    const { json } = await get(`${url}/api/record?source=shop&key=k`)
    const attempt = {
      process: expect.stringMatching(/^[\w-]{8}$/),
      began_at: expect.stringMatching(/^\d{4}-/),
      took_ms: expect.any(Number),
      fencing_token: expect.stringMatching(/^\d+$/),
    }
    expect(json.history).toEqual([
      { ...attempt, number: 1, outcome: 503 },
      { ...attempt, number: 2, outcome: 'threw' },
      { ...attempt, number: 3, outcome: 'recorded', fencing_token: json.fencing_token },
    ])
    expect(new Set(json.history.map(({ process }: { process: string }) => process)).size).toBe(1)
  })

  test.each([
    'a/b',
    'a%2Fb',
    '?x=1&y',
    '#',
    'k'.repeat(255),
    '/'.repeat(255),
    '%',
    '%25',
    'a..b',
    '!~',
    '+',
    'redrive',
    '.',
    '..',
    '../..',
    '%2e%2E',
    '&key=other',
    ';',
  ])('the record of the key %s can be read, redriven and deleted', async key => {
    const fail = () => new Response('no', { status: 500 })
    const { url, logged } = await startApp({
      sources: { shop: { mode: 'inbox', handle: fail, retryDelaysSeconds: [] } },
    })
    await deliver(url, key, 'shop')
    const at = recordAt(url, key, 'shop')
    const dead = (round: number) =>
      until('it is dead', async () => {
        const { json } = await get(at)
        return json.key === key && json.state === 'dead' && json.inbox.round === round
      })
    await dead(1)
    expect((await change(at.replace('/record', '/record/redrive'))).json).toEqual({ status: 'redriven', key })
    await dead(2)
    expect((await remove(at)).json).toEqual({ status: 'cleared', key })
    expect((await remove(at)).status).toBe(404)
    expect(audited(logged())).toMatchObject([
      { action: 'redrive', source: 'shop', key, outcome: 'redriven' },
      { action: 'delete', source: 'shop', key, outcome: 'deleted', peer: '127.0.0.1', by: 'token' },
      { action: 'delete', key, outcome: 'absent' },
    ])
  })

  test('are named by one key, which must be there', async () => {
    const { url } = await startApp()
    for (const query of ['', '?key=', '?key=a&key=b', `?key=${'k'.repeat(256)}`]) {
      expect([query, (await get(`${url}/api/record${query}`)).status]).toEqual([query, 400])
      expect([query, (await remove(`${url}/api/record${query}`)).status]).toEqual([query, 400])
      expect([query, (await change(`${url}/api/record/redrive${query}`)).status]).toEqual([query, 400])
    }
  })

  test('with a running attempt are deleted by force only', async () => {
    let finish = () => {}
    const finished = new Promise<void>(resolve => {
      finish = resolve
    })
    const handle = async () => {
      await finished
      return new Response('late')
    }
    const { url } = await startApp({ sources: { default: { handle } } })
    const running = deliver(url, 'k')
    await until('it runs', async () => (await get(recordAt(url, 'k'))).json.state === 'running')
    expect((await get(recordAt(url, 'k'))).json.lease_remaining_ms).toBeGreaterThan(0)
    expect((await remove(recordAt(url, 'k'))).json.code).toBe('record_running')
    expect((await remove(`${recordAt(url, 'k')}&force=true`)).status).toBe(200)
    finish()
    expect((await running).status).toBe(504)
  })
})

test('sources show their settings, and of a target the origin only', async () => {
  const { url } = await startApp({
    env: { HOOKONCE_FORWARD_TO: 'http://user:secret@127.0.0.1:9/path?token=secret' },
    sources: { quiet: { mode: 'inbox', recordBody: false, handle: () => new Response() } },
  })
  const answer = await get(`${url}/api/sources`)
  expect(answer.json).toEqual([
    {
      name: 'default',
      mode: 'inline',
      handle: 'forward',
      forward_to: 'http://127.0.0.1:9',
      retention_ms: 3_600_000,
      lock_ttl_ms: 300_000,
      lease_ms: 15_000,
      wait_ms: 10_000,
      records_bodies: true,
      recent: [],
      problems: [],
      attempts: [],
    },
    expect.objectContaining({ name: 'quiet', mode: 'inbox', handle: 'function', records_bodies: false }),
  ])
  expect(answer.text).not.toContain('secret')
})

describe('a test delivery', () => {
  test('goes through the source twice, and its duplicate is a replay', async () => {
    const upstream = await startUpstream((_, response) => response.writeHead(201, { 'x-a': 'b' }).end('done'))
    const { url, logged } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url } })
    const { status, json } = await change(`${url}/api/test`, { key: 'mine', body: '{"a":1}' })
    expect([status, json.key]).toEqual([200, 'mine'])
    expect(json.first).toMatchObject({ status: 201, body: 'done', body_encoding: 'utf8', ms: expect.any(Number) })
    expect(json.duplicate).toMatchObject({ status: 201, body: 'done' })
    expect(json.duplicate.headers).toContainEqual(['x-cached', 'true'])
    expect(json.first.headers.flat()).not.toContain('x-cached')
    expect(upstream.calls.map(({ body }) => body.toString())).toEqual(['{"a":1}'])
    expect((await get(`${url}/webhook/idempotency/mine`)).json.state).toBe('completed')
    expect(audited(logged())).toMatchObject([{ action: 'test', source: 'default', key: 'mine', outcome: '201 201' }])
    const other = await change(`${url}/api/test`)
    expect(other.json.key).toMatch(/^test-/)
    upstream.close()
  })

  test('to an inbox is accepted once; to an unknown source it is a 404', async () => {
    const { url } = await startApp({ sources: { later: { mode: 'inbox', handle: () => new Response('done') } } })
    const { json } = await change(`${url}/api/test?source=later`, {})
    expect([json.first.status, json.duplicate.status]).toEqual([202, 202])
    expect(json.duplicate.headers).toContainEqual(['x-cached', 'true'])
    expect((await change(`${url}/api/test?source=none`, {})).status).toBe(404)
  })
})
