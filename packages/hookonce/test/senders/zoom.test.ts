import { zoom } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { received, signed, withHeaders } from './signed.js'

const sender = zoom({ secrets: ['test_secret'] })
const asks = (plainToken: unknown, by = sender) =>
  signed(by, { body: JSON.stringify({ event: 'endpoint.url_validation', event_ts: 1, payload: { plainToken } }) })

test('an event is named by its kind, its time and its content', () => {
  const key = (event: object) => sender.key(signed(sender, { body: JSON.stringify(event) }))
  const keys = [
    key({ event: 'meeting.started', event_ts: 1 }),
    key({ event: 'meeting.ended', event_ts: 1 }),
    key({ event: 'meeting.started', event_ts: 2 }),
    key({ event: 'meeting.started', event_ts: 1, payload: {} }),
  ]
  expect(new Set(keys).size).toBe(4)
  expect(key({ event: 'meeting.started', event_ts: 1 })).toBe(keys[0])
  expect([key({ event: 'meeting.started' }), key([]), key({ event_ts: 1 })]).toEqual([null, null, null])
})

describe('the question for proof of the secret', () => {
  test('is answered without a run', async () => {
    const { runs, answers } = await received(sender, asks('qgg8vlvZRS6UYooatFL8Aw'))
    expect(JSON.parse(answers[0]!.text)).toEqual({
      plainToken: 'qgg8vlvZRS6UYooatFL8Aw',
      encryptedToken: 'af2b71c039092798acffde4bc073be46286db03f4d82bfac9008822d0fac2449',
    })
    expect([answers[0]!.status, runs]).toEqual([200, 0])
  })

  test('is answered only with a valid signature', async () => {
    const forged = withHeaders(asks('abc'), { 'x-zm-signature': `v0=${'0'.repeat(64)}` })
    const bare = withHeaders(asks('abc'), { 'x-zm-signature': undefined })
    expect(await received(sender, forged, bare)).toMatchObject({ statuses: [401, 401], runs: 0 })
  })

  test('gives no proof of a text that could be an event', async () => {
    const event = 'v0:1614265330:{"event":"meeting.started"}'
    const texts = [event, '', ' ', 'a:b', 'a\nb', '{}', 'a'.repeat(257), 1, null, undefined, {}]
    const { runs, answers } = await received(sender, ...texts.map(text => asks(text)))
    expect(answers.map(({ status, text }) => [status, /[0-9a-f]{64}/.test(text)])).toEqual(
      texts.map(() => [400, false]),
    )
    expect(runs).toBe(0)
  })

  test('is answered with the secret that signed it, during rotation', async () => {
    const both = zoom({ secrets: ['new', 'test_secret'] })
    const proof = async (by: typeof sender) =>
      JSON.parse((await received(both, asks('abc', by))).answers[0]!.text).encryptedToken
    const alone = async (of: typeof sender) =>
      JSON.parse((await received(of, asks('abc', of))).answers[0]!.text).encryptedToken
    const fresh = zoom({ secrets: ['new'] })
    expect([await proof(sender), await proof(fresh)]).toEqual([await alone(sender), await alone(fresh)])
    expect(await proof(sender)).not.toBe(await proof(fresh))
  })
})
