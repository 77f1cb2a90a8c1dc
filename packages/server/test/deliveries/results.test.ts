/** How other implementations break (each line was seen), held against this server over HTTP. */
import { connect } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { closeApps, startApp } from '../support/app.js'
import { send, sendRaw } from '../support/http.js'

const KEY = 'X-Idempotency-Key'
const keyed = { [KEY]: 'a' }

afterAll(closeApps)

function counted(answer: (run: number) => Response | Promise<Response>) {
  const handle = Object.assign(() => answer(++handle.runs), { runs: 0 })
  return handle
}

test('a 422 or 409 does not replace the recorded response', async () => {
  const { url } = await startApp()
  const first = await send(`${url}/webhook`, { headers: keyed, body: '{}' })
  expect((await send(`${url}/webhook`, { headers: keyed, body: '{"other":1}' })).status).toBe(422)
  expect((await send(`${url}/webhook`, { headers: keyed, body: '{}' })).text).toBe(first.text)
})

test.each([200, 204])('an empty %i is a result like any other', async status => {
  const handle = counted(() => new Response(null, { status }))
  const { url } = await startApp({ sources: { default: { handle } } })
  await send(`${url}/webhook`, { headers: keyed })
  const replay = await send(`${url}/webhook`, { headers: keyed })
  expect([replay.status, replay.headers['x-cached'], replay.text]).toEqual([status, 'true', ''])
  expect(handle.runs).toBe(1)
})

test('a streamed response is recorded', async () => {
  const handle = counted(() => new Response(new Blob(['one', 'two']).stream()))
  const { url } = await startApp({ sources: { default: { handle } } })
  await send(`${url}/webhook`, { headers: keyed })
  expect((await send(`${url}/webhook`, { headers: keyed })).text).toBe('onetwo')
  expect(handle.runs).toBe(1)
})

test('a sender that disconnects does not block its key', async () => {
  let finish = () => {}
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  const handle = counted(() => finished.then(() => new Response('done')))
  const { url } = await startApp({ sources: { default: { handle } } })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(`POST /webhook HTTP/1.1\r\nHost: x\r\n${KEY}: a\r\nContent-Length: 0\r\n\r\n`)
  await expect.poll(() => handle.runs).toBe(1)
  socket.destroy()
  finish()
  const retry = await send(`${url}/webhook`, { headers: keyed })
  expect([retry.text, handle.runs]).toEqual(['done', 1])
})

test('the same key at another endpoint is another operation', async () => {
  const name = (text: string) => ({ handle: () => new Response(text) })
  const { url } = await startApp({ sources: { charge: name('charged'), refund: name('refunded') } })
  expect((await send(`${url}/hooks/charge`, { headers: keyed })).text).toBe('charged')
  expect((await send(`${url}/hooks/refund`, { headers: keyed })).text).toBe('refunded')
})

test('two identical bodies under different keys are two operations', async () => {
  const { url } = await startApp()
  const one = await send(`${url}/webhook`, { headers: keyed, body: '{}' })
  const two = await send(`${url}/webhook`, { headers: { [KEY]: 'b' }, body: '{}' })
  expect(two.status).toBe(200)
  expect(two.text).not.toBe(one.text)
})

test('a binary body comes back byte for byte, the first time and later', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const { url } = await startApp({ sources: { default: { handle: () => new Response(bytes) } } })
  for (let i = 0; i < 2; i++)
    expect((await send(`${url}/webhook`, { headers: keyed, body: bytes })).body).toEqual(bytes)
})

test('a 5xx and a thrown error are not recorded', async () => {
  const handle = counted(run => {
    if (run === 1) throw new Error('no')
    return new Response('', { status: run === 2 ? 503 : 200 })
  })
  const { url } = await startApp({ sources: { default: { handle } } })
  const statuses = []
  for (let i = 0; i < 4; i++) statuses.push((await send(`${url}/webhook`, { headers: keyed })).status)
  expect(statuses).toEqual([500, 503, 200, 200])
  expect(handle.runs).toBe(3)
})

test('fifty duplicates at once run one attempt', async () => {
  const handle = counted(async run => new Response(`run ${run}`))
  const { url } = await startApp({ sources: { default: { handle } } })
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(`${url}/webhook`, { headers: keyed })))
  expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['run 1']))
  expect(answers.filter(({ headers }) => headers['x-cached'] === 'true')).toHaveLength(49)
})

test('replay headers of a sender are ignored', async () => {
  const handle = counted(run => new Response(`run ${run}`))
  const { url } = await startApp({ sources: { default: { handle } } })
  const headers = {
    ...keyed,
    'X-Cached': 'true',
    'X-Hit': 'true',
    'Idempotent-Replayed': 'true',
    'X-Hookonce-Attempt': '7',
  }
  const answer = await send(`${url}/webhook`, { headers })
  expect([answer.text, answer.headers['x-cached']]).toEqual(['run 1', undefined])
})

test('request headers are not kept', async () => {
  const { url } = await startApp()
  await send(`${url}/webhook`, { headers: { ...keyed, Authorization: 'Bearer secret' }, body: '{}' })
  expect((await send(`${url}/webhook/idempotency/a`, { method: 'GET' })).text).not.toMatch(/secret/)
})

test('deliveries without a key are never duplicates', async () => {
  const { url } = await startApp()
  const [one, two] = [await send(`${url}/webhook`, { body: '{}' }), await send(`${url}/webhook`, { body: '{}' })]
  expect(one.text).not.toBe(two.text)
})

test('a missing key is named as such, and the order of JSON keys matters', async () => {
  const { url } = await startApp({ sources: { strict: { keyRequired: true } } })
  expect((await send(`${url}/hooks/strict`)).json.code).toBe('key_missing')
  await send(`${url}/webhook`, { headers: keyed, body: '{"a":1,"b":2}' })
  expect((await send(`${url}/webhook`, { headers: keyed, body: '{"b":2,"a":1}' })).status).toBe(422)
})

test('two requests in one packet are answered in order', async () => {
  const { url } = await startApp()
  const request = (end: string) => `POST /webhook HTTP/1.1\r\nHost: x\r\n${KEY}: a\r\nContent-Length: 2\r\n${end}\r\n{}`
  const answers = await sendRaw(url, request('') + request('Connection: close\r\n'))
  expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
  expect(answers.match(/^x-cached: true/gim)).toHaveLength(1)
})
