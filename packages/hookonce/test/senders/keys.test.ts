import { createHmac } from 'node:crypto'
import { ConfigurationError, createReceiver, Delivery } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import { discord } from 'hookonce/senders/discord'
import { discordEvents } from 'hookonce/senders/discord-events'
import { hmac } from 'hookonce/senders/hmac'
import { hubspot } from 'hookonce/senders/hubspot'
import { meta } from 'hookonce/senders/meta'
import { pagerduty } from 'hookonce/senders/pagerduty'
import { sendgrid } from 'hookonce/senders/sendgrid'
import { twitch } from 'hookonce/senders/twitch'
import { vercel } from 'hookonce/senders/vercel'
import { memoryStore } from 'hookonce/stores/memory'
import { describe, expect, test } from 'vitest'
import { RECIPES } from './recipes.js'

const URL = 'https://hooks.example.com/hooks/x'
const secrets = ['a secret']

function delivery(body: unknown, headers: [string, string][] = []) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return new Delivery({ method: 'POST', url: '/hooks/x', headers, body: Buffer.from(text) })
}
const keyOf = (sender: Sender, body: unknown) => sender.key(delivery(body))

describe('HubSpot', () => {
  const sender = hubspot({ secrets, url: URL })
  const item = {
    eventId: 1,
    subscriptionId: 12345,
    portalId: 62515,
    occurredAt: 1564113600000,
    attemptNumber: 0,
    objectId: 123,
  }

  test('a retry of a batch is the duplicate that it is, though it counts its attempts', async () => {
    const hooks = createReceiver({ store: memoryStore() }).source({ name: 'hubspot', sender })
    let runs = 0
    const answers = []
    for (const attemptNumber of [0, 1, 2]) {
      const body = Buffer.from(
        JSON.stringify([
          { ...item, attemptNumber },
          { ...item, eventId: 2, attemptNumber },
        ]),
      )
      const headers = sender.sign({ method: 'POST', url: URL, body, id: '', now: Date.now() })
      const sent = new Delivery({ method: 'POST', url: '/hooks/x', headers, body })
      answers.push(await hooks.receive(sent, () => ({ status: 200, headers: [], body: Buffer.from(`run ${++runs}`) })))
    }
    expect(answers.map(({ body }) => Buffer.from(body).toString())).toEqual(['run 1', 'run 1', 'run 1'])
  })

  test('every field of the identity counts, every item, and their order', () => {
    const keys = [
      [item],
      ...['eventId', 'subscriptionId', 'portalId', 'occurredAt', 'objectId'].map(field => [{ ...item, [field]: 9 }]),
      [item, item],
      [item, { ...item, eventId: 2 }],
      [{ ...item, eventId: 2 }, item],
    ].map(body => keyOf(sender, body))
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('an item without that identity is named by all that it says but the count', () => {
    const merge = { eventId: 1, fromObjectId: 1, toObjectId: 2, attemptNumber: 0 }
    expect(keyOf(sender, [{ ...merge, attemptNumber: 1 }])).toBe(keyOf(sender, [merge]))
    expect(keyOf(sender, [{ ...merge, toObjectId: 3 }])).not.toBe(keyOf(sender, [merge]))
  })

  test('any other body is named by its bytes', () => {
    const keys = [[], [1], {}, 'no JSON', ''].map(body => keyOf(sender, body))
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('v3 signs the URL with some characters decoded and no others', () => {
    const url = `${URL}?a=%3A%2f%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%26%3D%2B%25`
    const [now, body] = [Date.now(), '[]']
    const signed = `POST${URL}?a=:/?@!$'()*,;&b=%20%26%3D%2B%25${body}${now}`
    const signature = createHmac('sha256', 'a secret').update(signed).digest('base64')
    const sent = delivery(body, [
      ['x-hubspot-signature-v3', signature],
      ['x-hubspot-request-timestamp', String(now)],
    ])
    expect(hubspot({ secrets, url }).verify(sent, now)).toBeNull()
    expect(hubspot({ secrets, url: `${url}/` }).verify(sent, now)).toBe('signature_wrong')
  })

  test('older signature versions count only if they are selected', () => {
    const now = Date.now()
    const event = { method: 'POST', url: URL, body: Buffer.from('[]'), id: '', now }
    for (const version of ['v1', 'v2'] as const) {
      const older = hubspot({ secrets, url: URL, version })
      const sent = delivery('[]', [...older.sign(event)] as [string, string][])
      expect(older.verify(sent, now)).toBeNull()
      expect(sender.verify(sent, now)).toBe('signature_missing')
      expect(older.verify(delivery('[]', [...sender.sign(event)] as [string, string][]), now)).toBe('signature_missing')
    }
  })
})

describe('Meta', () => {
  const sender = meta({ secrets, verifyToken: 'a token' })
  const whatsapp = (...values: object[]) => ({
    object: 'whatsapp_business_account',
    entry: [{ id: '1', changes: values.map(value => ({ field: 'messages', value })) }],
  })
  const messenger = (...messaging: object[]) => ({ object: 'page', entry: [{ id: '1', time: 1, messaging }] })

  test('a message’s key is its id, whatever its other fields', () => {
    expect(keyOf(sender, whatsapp({ messages: [{ id: 'wamid.1', n: 1 }] }))).toBe(
      keyOf(sender, whatsapp({ messages: [{ id: 'wamid.1', n: 2 }] })),
    )
    expect(keyOf(sender, messenger({ timestamp: 1, message: { mid: 'm1' } }))).toBe(
      keyOf(sender, messenger({ timestamp: 2, message: { mid: 'm1' } })),
    )
  })

  test('a status is named by its id and its state', () => {
    const key = (id: string, status: string) => keyOf(sender, whatsapp({ statuses: [{ id, status, timestamp: '1' }] }))
    expect(new Set([key('a', 'sent'), key('a', 'read'), key('b', 'sent')]).size).toBe(3)
    expect(key('a', 'sent')).toBe(keyOf(sender, whatsapp({ statuses: [{ id: 'a', status: 'sent', timestamp: '2' }] })))
  })

  test('a message and a status of it, one account’s side and another’s, a batch and its parts are not one', () => {
    const message = { messages: [{ id: 'a' }] }
    const bodies = [
      whatsapp(message),
      whatsapp({ statuses: [{ id: 'a', status: 'sent' }] }),
      { ...whatsapp(message), entry: [{ ...whatsapp(message).entry[0], id: '2' }] },
      whatsapp(message, message),
      whatsapp(message, { messages: [{ id: 'b' }] }),
      messenger({ message: { mid: 'a', is_deleted: true } }),
    ]
    expect(new Set(bodies.map(body => keyOf(sender, body))).size).toBe(bodies.length)
  })

  test('where something has no name the whole body is it', () => {
    const bodies = [
      whatsapp({ messages: [{ id: 'a' }] }, { errors: [] }),
      whatsapp({ messages: [{ id: 'a' }, {}] }),
      whatsapp({ messages: [{ id: 'a' }, null] }),
      messenger({ message: { mid: 'a' } }, { read: { watermark: 1 } }),
      { object: 'page', entry: [{ id: '1', changes: [{ field: 'feed', value: { post_id: '1' } }] }] },
      { entry: [null] },
      { entry: [{ changes: [null], messaging: [null] }] },
      {},
      null,
      'no JSON',
    ]
    for (const body of bodies) {
      const key = keyOf(sender, body)
      expect(key).not.toBe(keyOf(sender, `${typeof body === 'string' ? body : JSON.stringify(body)} `))
    }
  })
})

describe('SendGrid', () => {
  const sender = sendgrid({ publicKeys: [RECIPES.sendgrid!.secret()] })
  test('a batch’s key is made of its events’ ids, whatever their other fields', () => {
    const batch = (...ids: unknown[]) => ids.map(id => ({ sg_event_id: id, at: Math.random() }))
    expect(keyOf(sender, batch('a', 'b'))).toBe(keyOf(sender, batch('a', 'b')))
    expect(keyOf(sender, batch('a', 'b'))).not.toBe(keyOf(sender, batch('a')))
    expect(keyOf(sender, batch('a', 'b'))).not.toBe(keyOf(sender, batch('b', 'a')))
    expect(keyOf(sender, batch('a', 1))).not.toBe(keyOf(sender, batch('a', 1)))
    expect(new Set([keyOf(sender, []), keyOf(sender, [null]), keyOf(sender, 'no JSON')]).size).toBe(3)
  })
})

test('other events have the sender’s id as their key', () => {
  const publicKeys = [RECIPES.discord!.secret()]
  expect(keyOf(discord({ publicKeys }), { id: '123' })).toBe('123')
  expect(keyOf(discordEvents({ publicKeys }), { id: '123' })).toMatch(/^sha256:/)
  expect(keyOf(pagerduty({ secrets }), { event: { id: 'e1' } })).toBe('e1')
  expect(keyOf(vercel({ secrets }), { id: 'v1' })).toBe('v1')
  expect(twitch({ secrets }).key(delivery({}, [['twitch-eventsub-message-id', 'm1']]))).toBe('m1')
})

describe('Twitch', () => {
  const sender = twitch({ secrets })

  test('an id that extends into the body under the same signature is rejected', async () => {
    const now = Date.now()
    const at = new Date(now).toISOString()
    const body = `{"at":"${at}","more":1}`
    const sent = delivery(body, [
      ...sender.sign({ method: 'POST', url: URL, body: Buffer.from(body), id: 'm1', now }),
    ] as [string, string][])
    expect(sender.verify(sent, now)).toBeNull()
    const cut = '{"at":"'
    const moved = delivery(body.slice(cut.length + at.length), [
      ['twitch-eventsub-message-id', `m1${at}${cut}`],
      ['twitch-eventsub-message-timestamp', at],
      ['twitch-eventsub-message-signature', sent.header('twitch-eventsub-message-signature')!],
    ])
    expect(sender.verify(moved, now)).toBe('signature_missing')
  })
})

describe('HMAC of one’s own', () => {
  const key = { header: 'x-id' }
  const timestamp = { header: 'x-time' }
  const event = { method: 'POST', url: URL, body: Buffer.from('{"n":1.5}'), id: 'id-1', now: 1e12 }
  const sent = (sender: Sender, id: string, change: Record<string, string> = {}) => {
    const headers = sender.sign({ ...event, id }).map(([name, value]) => [name, change[name] ?? value])
    return delivery('{"n":1.5}', headers as [string, string][])
  }

  test('the key is the header if that is signed, a field, or else the body', () => {
    const bodies = [hmac({ secrets }), hmac({ secrets, key }), hmac({ secrets, key, timestamp })]
    for (const sender of bodies) {
      expect(sender.key(sent(sender, 'id-1'))).toMatch(/^sha256:/)
      expect(sender.key(sent(sender, 'id-2'))).toBe(sender.key(sent(sender, 'id-1')))
      expect(sender.label!(sent(sender, 'id-2'))).toBe('id-2')
    }
    const own = hmac({ secrets, key, signed: '{id}.{body}' })
    expect(own.key(sent(own, 'id-2'))).toBe('id-2')
    const field = hmac({ secrets, key: { field: 'n' } })
    expect(field.key(sent(field, 'id-2'))).toBe('1.5')
  })

  test.each([
    ['{id}.{body}', 'id-1.{"n":1', '5}'],
    ['{id}..{body}', 'id-1.', '{"n":1.5}'],
    ['{body}.{id}', '5}.id-1', '{"n":1'],
    ['{id}.{timestamp}.{body}', 'id-1.1000000000', '{"n":1.5}'],
  ])('%s: an id that could end elsewhere is nobody’s', (signed, id, body) => {
    const sender = hmac({ secrets, key, signed, ...(signed.includes('time') && { timestamp }) })
    expect(sender.verify(sent(sender, 'id-1'), 1e12)).toBeNull()
    const own = sent(sender, 'id-1')
    const moved = withId(own, id, body)
    expect(sender.verify(moved, 1e12)).toBe('signature_missing')
    expect(() => sender.sign({ ...event, id })).toThrow(ConfigurationError)
  })

  const withId = ({ headers }: Delivery, id: string, body: string) =>
    delivery(
      body,
      headers.map(([name, value]) => [name, name === 'x-id' ? id : value]),
    )
})
