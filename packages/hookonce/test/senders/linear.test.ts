import { linear } from 'hookonce/senders'
import { expect, test } from 'vitest'
import { signed, withHeaders } from './signed.js'

const sender = linear({ secrets: ['lin_wh_1'] })
const now = 1_700_000_000_000
const at = (webhookTimestamp: unknown) => signed(sender, { body: JSON.stringify({ webhookTimestamp }) })

test('the body’s timestamp is good for a minute in both directions', () => {
  const verdicts = [-60_001, -60_000, 0, 60_000, 60_001].map(ms => sender.verify(at(now + ms), now))
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
