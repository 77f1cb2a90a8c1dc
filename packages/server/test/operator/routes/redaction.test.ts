import { afterAll, describe, expect, test } from 'vitest'
import { until } from '../../process/support/until.js'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'

afterAll(closeApps)

const JSON_TYPE = { 'content-type': 'application/json' }

const deliver = (url: string, key: string, source = 'default') =>
  send(`${url}/hooks/${source}`, { headers: { ...JSON_TYPE, 'x-idempotency-key': key }, body: '{"event":"e"}' })

const get = (url: string) => send(url, { method: 'GET' })

const recordAt = (url: string, key: string, source = 'default') =>
  `${url}/api/record?${new URLSearchParams({ source, key })}`

describe('redaction', () => {
  test('redactHeaders hides header values from operators; replays still have them', async () => {
    const handle = () => new Response('x', { headers: { 'x-secret': 's3cret', 'x-open': 'open' } })
    const { url } = await startApp({
      sources: {
        inline: { handle, redactHeaders: ['X-Secret'] },
        inbox: { handle, mode: 'inbox', redactHeaders: ['x-idempotency-key', 'x-secret'] },
      },
    })
    await deliver(url, 'k', 'inline')
    expect((await deliver(url, 'k', 'inline')).headers['x-secret']).toBe('s3cret')
    await deliver(url, 'k', 'inbox')
    await until('it is done', async () => (await get(recordAt(url, 'k', 'inbox'))).json.state === 'completed')
    const { json } = await get(recordAt(url, 'k', 'inbox'))
    expect(json.delivery.headers).toContainEqual(['x-idempotency-key', '[redacted]'])
    for (const source of ['inline', 'inbox']) {
      for (const at of [`${url}/webhook/idempotency/k?source=${source}`, recordAt(url, 'k', source)]) {
        const { text } = await get(at)
        expect(text).not.toContain('s3cret')
        expect(text).toContain('[redacted]')
        expect(text).toContain('open')
      }
    }
    expect((await get(`${url}/webhook/events?bodies=true`)).text).not.toContain('s3cret')
  })

  test('recordBody: false hides bodies and records none; replays say that the body was omitted', async () => {
    const handle = () => new Response('personal')
    const { url, receiver } = await startApp({
      sources: { inline: { handle, recordBody: false }, inbox: { handle, mode: 'inbox', recordBody: false } },
    })
    expect((await deliver(url, 'k', 'inline')).text).toBe('personal')
    const replay = await deliver(url, 'k', 'inline')
    expect([replay.text, replay.headers['x-cached-body']]).toEqual(['', 'omitted'])
    const recorded = await receiver.record('inline', 'k')
    expect([recorded?.response?.body.length, recorded?.response?.bodyOmitted]).toEqual([0, true])
    await deliver(url, 'k', 'inbox')
    await until('it is done', async () => (await get(recordAt(url, 'k', 'inbox'))).json.state === 'completed')
    const { json } = await get(recordAt(url, 'k', 'inbox'))
    expect([json.response.body, json.response.body_omitted, json.delivery.body]).toEqual([null, true, null])
    expect((await get(`${url}/webhook/events?bodies=true`)).text).not.toContain('"event"')
  })
})
