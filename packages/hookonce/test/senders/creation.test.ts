import { ConfigurationError } from 'hookonce'
import { hmacKey, SENDERS } from 'hookonce/senders'
import { basic } from 'hookonce/senders/basic'
import { discord } from 'hookonce/senders/discord'
import { hmac } from 'hookonce/senders/hmac'
import { hubspot } from 'hookonce/senders/hubspot'
import { meta } from 'hookonce/senders/meta'
import { sendgrid } from 'hookonce/senders/sendgrid'
import { twitch } from 'hookonce/senders/twitch'
import { describe, expect, test } from 'vitest'
import { everySender, setUp } from './support.js'

const secrets = ['a secret']

describe.each([...SENDERS])('%s', (name, kind) => {
  test('is not made without a secret, with an empty one, or with more than are ever in use', () => {
    const options = { publicUrl: 'https://hooks.example.com/x', verifyToken: 'a token' }
    const { secret } = everySender().find(({ title }) => title === name)!.recipe
    const lists = [[], [''], Array.from({ length: 11 }, secret)]
    for (const list of lists) expect(() => kind.create({ ...options, secrets: list })).toThrow(ConfigurationError)
  })

  test('says nothing of its secret when that is malformed', () => {
    const options = { publicUrl: 'https://hooks.example.com/x', verifyToken: 'a token' }
    let message = ''
    try {
      kind.create({ ...options, secrets: ['hunter2 hunter2'] })
    } catch (error) {
      message = String(error)
    }
    expect(message).not.toContain('hunter2')
  })

  test('is imported by its name', async () => {
    expect(Object.values(await import(`hookonce/senders/${name}`))).toContain(kind)
  })
})

test.each([
  ['hmac without the body', () => hmac({ secrets, signed: '{timestamp}', timestamp: { header: 'x-time' } })],
  [
    'hmac with a timestamp that is not signed',
    () => hmac({ secrets, signed: '{body}', timestamp: { header: 'x-time' } }),
  ],
  ['hmac with a timestamp from nowhere', () => hmac({ secrets, signed: '{timestamp}.{body}' })],
  ['hmac with an id from nowhere', () => hmac({ secrets, signed: '{id}.{body}' })],
  ['hmac with an id in a field', () => hmac({ secrets, signed: '{id}.{body}', key: { field: 'id' } })],
  ['basic without a colon', () => basic({ credentials: ['hunter2'] })],
  ['discord with half a key', () => discord({ publicKeys: ['ab'.repeat(31)] })],
  ['discord with an odd digit', () => discord({ publicKeys: [`${'ab'.repeat(32)}a`] })],
  ['discord with what is no hex', () => discord({ publicKeys: ['xy'.repeat(32)] })],
  ['sendgrid with what is no key', () => sendgrid({ publicKeys: ['abcd'] })],
  ['hubspot without an absolute URL', () => hubspot({ secrets, url: '/hooks' })],
  ['meta without a verify token', () => meta({ secrets, verifyToken: '' })],
  ['a tolerance of nothing', () => twitch({ secrets, toleranceMs: 0 })],
  ['a tolerance of everything', () => twitch({ secrets, toleranceMs: Number.POSITIVE_INFINITY })],
])('%s cannot be', (_, create) => {
  expect(create).toThrow(ConfigurationError)
})

test.each(everySender().filter(({ recipe }) => recipe.publicHalf))('$title: a public key only verifies', subject => {
  const { secret, publicHalf } = subject.recipe
  const sender = subject.kind.create({ secrets: [publicHalf!(secret())] })
  const event = { method: 'POST', url: 'https://x/', body: Buffer.from('{}'), id: '1', now: 0 }
  expect(() => sender.sign(event)).toThrow(/public key verifies/)
})

test.each(['hmac', 'bearer', 'basic'])('%s reads the standards’ key headers, quoted or not', async name => {
  const x = setUp(everySender().find(({ title }) => title === name)!)
  const { headers, body } = x.send('id-1')
  const others = headers.filter(([header]) => header !== 'idempotency-key')
  for (const [header, value] of [
    ['idempotency-key', 'id-1'],
    ['idempotency-key', '"id-1"'],
    ['webhook-id', 'id-1'],
    ['x-idempotency-key', 'id-1'],
  ] as const) {
    await x.receive({ headers: [...others, [header, value]], body })
  }
  expect(x.handler.runs).toBe(1)
  await x.close()
})

test('a secret given as bytes is those bytes', () => {
  const event = { method: 'POST', url: 'https://x/', body: Buffer.from('{}'), id: '1', now: 0 }
  const bytes = Buffer.from('00ff', 'hex')
  const expected = hmacKey(bytes, { algorithm: 'sha256', encoding: 'hex' }).sign(['{}'])
  expect(new Map(hmac({ secrets: [bytes] }).sign(event)).get('x-signature')).toBe(expected)
})
