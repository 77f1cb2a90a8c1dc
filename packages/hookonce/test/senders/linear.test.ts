import { linear } from 'hookonce/senders'
import { expect, test } from 'vitest'
import { received, signed, withHeaders } from './signed.js'

const sender = linear({ secrets: ['lin_wh_1'] })
const now = 1_700_000_000_000
const at = (webhookTimestamp: unknown) => signed(sender, { body: JSON.stringify({ webhookTimestamp }) })

test('the body’s timestamp is good for as long as Linear retries: its last retry comes after 7 hours and a minute', () => {
  const [retry, most] = [25_260_000, 25_560_000]
  expect([sender.facts.retryHorizonMs, sender.toleranceMs]).toEqual([retry, most])
  const verdicts = [-most - 1, -retry, 0, most, most + 1].map(ms => sender.verify(at(now + ms), now))
  expect(verdicts).toEqual(['timestamp_old', null, null, null, 'timestamp_new'])
  expect(linear({ secrets: ['lin_wh_1'], toleranceMs: 300_000 }).verify(at(now - 200_000), now)).toBeNull()
})

test('what is no whole number of milliseconds is no timestamp', () => {
  for (const text of ['{}', '[]', 'null', '{"webhookTimestamp":"1700000000000"}', '{"webhookTimestamp":1.5}', 'x']) {
    expect(sender.verify(signed(sender, { body: text }), now), text).toBe('timestamp_missing')
  }
})

test('the timestamp of a body that is not signed is not looked at', () => {
  const forged = withHeaders(at('none'), { 'linear-signature': '0'.repeat(64) })
  expect(sender.verify(forged, now)).toBe('signature_wrong')
})

test('a retry with a new timestamp in the body is the duplicate that it is, and so is one with the old', async () => {
  const sent = (webhookTimestamp: number, title = 'a') =>
    signed(sender, { body: JSON.stringify({ action: 'create', data: { title, id: 2 ** 53 }, webhookTimestamp }) })
  const at = Date.now()
  const { runs, answers } = await received(sender, sent(at), sent(at - 60_000), sent(at), sent(at, 'b'))
  expect([runs, ...answers.map(({ text }) => text)]).toEqual([2, 'run 1', 'run 1', 'run 1', 'run 2'])
})

test('two events that differ in a digit beyond 2^53 are two', () => {
  const key = (id: string) => sender.key(signed(sender, { body: `{"data":{"id":${id}},"webhookTimestamp":1}` }))
  expect(key('9007199254740993')).not.toBe(key('9007199254740992'))
})
