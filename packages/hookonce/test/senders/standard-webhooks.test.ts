import { ConfigurationError } from 'hookonce'
import { clerk, gitlab, SENDERS, standardWebhooks, svix } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { received, signed, withHeaders } from './signed.js'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const PUBLIC = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
const PRIVATE = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
const messages = standardWebhooks({ secrets: [SECRET] })
const now = 1_614_265_330_000

describe('Standard Webhooks', () => {
  test('a private key of Ed25519 signs as published, and the public one verifies', () => {
    const body = '{"test": 2432232314}'
    const sent = signed(standardWebhooks({ secrets: [PRIVATE] }), { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body, now })
    expect(sent.header('webhook-signature')).toBe(
      'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
    )
    expect(standardWebhooks({ secrets: [PUBLIC] }).verify(sent, now)).toBeNull()
    expect(() => signed(standardWebhooks({ secrets: [PUBLIC] }))).toThrow(ConfigurationError)
  })

  test('either kind of key is found among several signatures', () => {
    const both = standardWebhooks({ secrets: [SECRET, PUBLIC] })
    const [hmac, asymmetric] = [messages, standardWebhooks({ secrets: [PRIVATE] })].map(sender =>
      signed(sender, { now }),
    )
    const list = `v2,xyz ${asymmetric!.header('webhook-signature')} v1,`
    expect([hmac!, withHeaders(hmac!, { 'webhook-signature': list })].map(each => both.verify(each, now))).toEqual([
      null,
      null,
    ])
    // A signature of one kind is none of the other.
    const disguised = list.replaceAll('v1a,', 'v1,')
    expect(both.verify(withHeaders(hmac!, { 'webhook-signature': disguised }), now)).toBe('signature_wrong')
  })

  test('a secret may lack its padding, and nothing else', () => {
    const padded = standardWebhooks({ secrets: ['whsec_AAECAwQFBgcICQoLDA0ODw=='] })
    const sent = signed(padded, { now })
    expect(standardWebhooks({ secrets: ['whsec_AAECAwQFBgcICQoLDA0ODw'] }).verify(sent, now)).toBeNull()
    const unusable = [
      '',
      'whsec_',
      'whsec_=',
      'whsec_A',
      'whsec_not base64',
      'whsec_a-b_',
      'AAECAwQF',
      'whpk_AAEC',
      'whsk_AAEC',
    ]
    const halves = [PUBLIC.replace('whpk', 'whsk'), PRIVATE.replace('whsk', 'whpk')]
    for (const secret of [...unusable, ...halves]) {
      expect(() => standardWebhooks({ secrets: [secret] }), secret).toThrow(ConfigurationError)
    }
  })

  test('the dots between the parts cannot be moved', () => {
    const seconds = String(now / 1000)
    const sent = signed(messages, { id: 'msg_1', body: `${seconds}.{}`, now })
    const headers = { 'webhook-id': `msg_1.${seconds}`, 'webhook-timestamp': seconds }
    const moved = signed(messages, { now }, { headers: [...sent.headers], body: Buffer.from('{}') })
    expect(messages.verify(withHeaders(moved, headers), now)).toBe('signature_missing')
    expect(() => signed(messages, { id: 'msg.1' })).toThrow(ConfigurationError)
  })

  test('a timestamp is whole seconds, no number that begins so', () => {
    for (const timestamp of ['hello', '1614265330abc', '1614265330.9', '-1', '+1614265330', '0x60379a72', '1e9', ' ']) {
      const sent = withHeaders(signed(messages, { now }), { 'webhook-timestamp': timestamp })
      expect(messages.verify(sent, now), timestamp).not.toBeNull()
    }
  })

  test('the tolerance is five minutes in both directions, or what it is set to', () => {
    const sent = signed(messages, { now })
    const at = [-301, -300, 300, 301].map(seconds => messages.verify(sent, now + seconds * 1000))
    expect(at).toEqual(['timestamp_new', null, null, 'timestamp_old'])
    const strict = standardWebhooks({ secrets: [SECRET], toleranceMs: 1_000 })
    expect(strict.verify(sent, now + 2_000)).toBe('timestamp_old')
  })
})

describe.each([
  ['Svix', svix],
  ['Clerk', clerk],
])('%s', (_, create) => {
  const sender = create({ secrets: [SECRET] })
  const sent = signed(sender, { id: 'msg_1', now })
  const renamed = (names: Record<string, string>) =>
    signed(sender, {}, { headers: sent.headers.map(([name, value]) => [names[name] ?? name, value] as const) })

  test('its headers have its name, or the standard’s', () => {
    expect(sent.headers.map(([name]) => name)).toContain('svix-id')
    const standard = signed(messages, { id: 'msg_1', now })
    expect([sent, standard].map(each => [sender.verify(each, now), sender.key(each)])).toEqual([
      [null, 'msg_1'],
      [null, 'msg_1'],
    ])
  })

  test('one set of headers is not completed from the other', () => {
    for (const part of ['id', 'timestamp', 'signature']) {
      expect(sender.verify(renamed({ [`svix-${part}`]: `webhook-${part}` }), now), part).toBe('signature_missing')
    }
  })

  test('the key is the signed id, whatever the other set of headers has', () => {
    expect(sender.key(withHeaders(sent, { 'webhook-id': 'msg_2' }))).toBe('msg_1')
  })
})

describe('GitLab', () => {
  test('a signing token signs as the standard has it', () => {
    const sender = gitlab({ secrets: [SECRET] })
    expect(sender.verify(signed(messages, { now }), now)).toBeNull()
    expect(sender.key(signed(messages, { id: 'msg_1', now }))).toBe('msg_1')
  })

  test('a signing token is not satisfied by being sent along', () => {
    const sender = gitlab({ secrets: [SECRET] })
    const sent = signed(gitlab({ secrets: [SECRET], scheme: 'secret-token' }))
    expect(sender.verify(sent, now)).toBe('signature_missing')
  })

  test('a secret’s kind follows from its form', () => {
    const { create } = SENDERS.get('gitlab')!
    const names = (secret: string) => signed(create({ secrets: [secret] })).headers.map(([name]) => name)
    expect([names(SECRET).includes('webhook-signature'), names('typed in').includes('x-gitlab-token')]).toEqual([
      true,
      true,
    ])
    expect(() => create({ secrets: [SECRET, 'typed in'] })).toThrow(ConfigurationError)
  })

  describe('with a secret token', () => {
    const sender = gitlab({ secrets: ['typed in'], scheme: 'secret-token' })
    const sent = signed(sender, { id: 'id-1' })

    test('takes the token and no other, once', () => {
      expect(sender.verify(sent, now)).toBeNull()
      expect(sender.verify(withHeaders(sent, { 'x-gitlab-token': 'typed In' }), now)).toBe('signature_wrong')
      expect(sender.verify(withHeaders(sent, { 'x-gitlab-token': undefined }), now)).toBe('signature_missing')
    })

    test('the key is the header’s: who has the token could send other content as well', async () => {
      const other = withHeaders(sent, { 'idempotency-key': 'id-2' })
      expect((await received(sender, sent, sent, other)).runs).toBe(2)
    })

    test('older versions name a delivery by two ids, and webhooks that set off each other share them', () => {
      const older = (body: string, uuids: Record<string, string | undefined>) =>
        sender.key(withHeaders(signed(sender, { body }), { 'idempotency-key': undefined, ...uuids }))
      const uuids = { 'x-gitlab-event-uuid': 'e-1', 'x-gitlab-webhook-uuid': 'w-1' }
      const keys = [
        older('{}', uuids),
        older('{"n":1}', uuids),
        older('{}', { ...uuids, 'x-gitlab-webhook-uuid': 'w-2' }),
        older('{}', { ...uuids, 'x-gitlab-webhook-uuid': undefined }),
      ]
      expect(new Set(keys).size).toBe(4)
      expect(older('{}', uuids)).toBe(keys[0])
      expect(older('{}', {})).toBeNull()
    })
  })
})
