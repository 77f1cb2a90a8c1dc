import { afterAll, expect, test } from 'vitest'
import { until } from '../../process/support/until.js'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'

afterAll(closeApps)

const JSON_TYPE = { 'content-type': 'application/json' }

const deliver = (url: string, key: string) =>
  send(`${url}/hooks/shop`, { headers: { ...JSON_TYPE, 'x-idempotency-key': key }, body: '{"event":"e"}' })

const get = (url: string) => send(url, { method: 'GET' })

const change = (url: string, body?: object) =>
  send(url, { headers: JSON_TYPE, ...(body && { body: JSON.stringify(body) }) })

const recordAt = (url: string, key: string) => `${url}/api/record?${new URLSearchParams({ source: 'shop', key })}`

const audited = (logged: string) =>
  logged
    .split('\n')
    .filter(line => line.includes('"audit":true'))
    .map(line => JSON.parse(line))

test('an accepted delivery is redriven when it is dead, and when it is completed if that is confirmed', async () => {
  let works = false
  const handle = () => (works ? new Response('done') : new Response('no', { status: 500 }))
  const { url, logged } = await startApp({ sources: { shop: { mode: 'inbox', handle, retryDelaysSeconds: [] } } })
  const at = recordAt(url, 'k')
  const redrive = (body?: object) => change(`${url}/api/record/redrive?source=shop&key=k`, body)
  const state = async () => (await get(at)).json.state
  expect((await redrive()).status).toBe(404)
  await deliver(url, 'k')
  await until('it is dead', async () => (await state()) === 'dead')
  const { json } = await get(at)
  expect(json.inbox).toEqual({ due_at: null, group: null, round: 1 })
  expect(json.delivery).toMatchObject({
    method: 'POST',
    url: '/hooks/shop',
    body: '{"event":"e"}',
    body_encoding: 'utf8',
  })
  works = true
  expect((await redrive()).json).toEqual({ status: 'redriven', key: 'k' })
  await until('it is completed', async () => (await state()) === 'completed')
  expect((await redrive({})).json.code).toBe('record_completed')
  expect((await redrive({ completed: 'yes' })).status).toBe(400)
  expect((await redrive({ complete: true })).status).toBe(400)
  expect((await redrive({ completed: true })).status).toBe(200)
  expect((await change(`${url}/api/record/redrive?key=k`)).status).toBe(404)
  expect(audited(logged()).map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    'redrive absent',
    'redrive redriven',
    'redrive completed',
    'redrive redriven',
    'redrive absent',
  ])
})

test('an accepted delivery that waits for its next attempt is due at once if that is asked for', async () => {
  let works = false
  const handle = () => (works ? new Response('done') : new Response('no', { status: 500 }))
  const { url, logged } = await startApp({ sources: { shop: { mode: 'inbox', handle, retryDelaysSeconds: [3600] } } })
  const redrive = (body?: object) => change(`${url}/api/record/redrive?source=shop&key=k`, body)
  const record = async () => (await get(recordAt(url, 'k'))).json
  await deliver(url, 'k')
  await until('it waits', async () => (await record()).state === 'failed')
  const refused = await redrive()
  expect([refused.status, refused.json.code]).toEqual([409, 'record_running'])
  expect(refused.json.detail).toContain('{"waiting": true}')
  works = true
  expect((await redrive({ waiting: true })).json).toEqual({ status: 'due', key: 'k' })
  await until('it is completed', async () => (await record()).state === 'completed')
  expect(await record()).toMatchObject({ attempts: 2, inbox: { round: 1 } })
  expect((await redrive({ waiting: true })).json.code).toBe('record_completed')
  expect(audited(logged()).map(({ outcome }) => outcome)).toEqual(['busy', 'due', 'completed'])
})
