import { Delivery } from 'hookonce'
import { github, gitlab, type Sender, shopify, slack, stripe } from 'hookonce/senders'
import { expect, test } from 'vitest'
import { diagnose, type SourceSenders } from '../../src/journal/diagnosis.js'
import { signed } from '../support/signed.js'

const SECRET = 'a-long-enough-secret-0123456789'
const sender = github({ secrets: [SECRET] })
const EVENT = { a: 1, name: 'Ünïcode', path: '/x/y', list: [1, 2] }
const COMPACT = JSON.stringify(EVENT)

interface Told {
  by?: Sender
  /** What the sender signed. */
  signedBody?: string
  /** What came. */
  body?: string | Buffer
  headers?: Record<string, string>
  without?: string[]
  /** Of the source that it came to. */
  expected?: Sender
  /** When it came. */
  at?: number
  /** Of a source "other". */
  other?: Sender
  otherSchemes?: Sender[]
}

function findingsOf(told: Told) {
  const { by = sender, signedBody = COMPACT, body = signedBody, headers, without = [] } = told
  const { expected = sender, at = Date.now(), other, otherSchemes = [] } = told
  const event = signed(by, { body: signedBody, ...(headers && { headers }) })
  const sent = Object.entries<string>(event.headers).filter(([name]) => !without.includes(name))
  const delivery = new Delivery({ method: 'POST', url: '/hooks/x', headers: sent, body: Buffer.from(body) })
  const sources = new Map<string, SourceSenders>([
    ['x', { options: { sender: expected }, otherSchemes: () => otherSchemes }],
    ['other', { options: other ? { sender: other } : {} }],
  ])
  return diagnose(sources, 'x', delivery, at)
}

const codesOf = (told: Told) => findingsOf(told).map(({ code }) => code)
const textOf = (told: Told) =>
  findingsOf(told)
    .map(({ text }) => text)
    .join(' ')

test('a delivery that verifies by now says so', () => {
  expect(codesOf({})).toEqual(['verifies_now'])
})

test('another secret is told from a changed body, and where the secret is', () => {
  const told = { by: github({ secrets: ['another-secret-0123456789'] }) }
  expect(codesOf(told)).toEqual(['secret_unknown'])
  expect(textOf(told)).toContain('Settings → Webhooks')
})

test('a missing header is named, and what came in its place', () => {
  expect(textOf({ without: ['x-hub-signature-256'] })).toBe(
    'A header is missing that GitHub sends: x-hub-signature-256.',
  )
  const told = { by: shopify({ secrets: [SECRET] }) }
  expect(codesOf(told)).toEqual(['signature_missing', 'other_signature'])
  expect(textOf(told)).toContain('In its place came x-shopify-hmac-sha256, as Shopify signs.')
})

test('a signature of another source, and of another scheme with the same secret, are recognised', () => {
  const shop = github({ secrets: ['the-secret-of-the-other-source'] })
  expect(textOf({ by: shop, other: shop })).toContain('right for the source "other"')
  const slacker = slack({ secrets: [SECRET] })
  expect(codesOf({ by: slacker, otherSchemes: [slacker] })).toContain('other_scheme')
})

test.each([
  ['indented on the way', COMPACT, JSON.stringify(EVENT, null, 2), 'as compact JSON'],
  ['made compact', JSON.stringify(EVENT, null, 4), COMPACT, '4 blanks of indentation'],
  ['written by Python', COMPACT, '{"a": 1, "name": "\\u00dcn\\u00efcode", "path": "/x/y", "list": [1, 2]}', 'compact'],
  ['of Python, made compact', '{"a": 1, "list": [1, 2]}', '{"a":1,"list":[1,2]}', 'a blank after each colon'],
  ['of PHP, made compact', '{"path":"\\/x\\/y"}', '{"path":"/x/y"}', 'escaped slashes'],
  ['a line feed added', COMPACT, `${COMPACT}\n`, 'without the line feed'],
  ['a line feed lost', `${COMPACT}\n`, COMPACT, 'with a line feed'],
  ['a byte order mark added', COMPACT, `\ufeff${COMPACT}`, 'byte order mark'],
  ['CR LF for line feeds', 'a\nb\n', 'a\r\nb\r\n', 'line feeds in place of CR LF'],
  ['encoded twice', COMPACT, Buffer.from(Buffer.from(COMPACT).toString('latin1')), 'a second time'],
  ['a form decoded', 'a=1%202', 'a=1+2', '%20 in place of +'],
])('a body that was changed on the way is recognised: %s', (_, signedBody, body, words) => {
  const told = { signedBody, body }
  expect(codesOf(told)).toEqual(['body_changed'])
  expect(textOf(told)).toContain(words)
})

test('a body that was changed otherwise is not explained', () => {
  expect(codesOf({ body: COMPACT.replace('1', '2') })).toEqual(['secret_unknown'])
})

test.each([
  ['61 min before', 61 * 60_000, 'timestamp_old'],
  ['3 h before', 3 * 3_600_000, 'timestamp_old'],
  ['10 min after', -10 * 60_000, 'timestamp_new'],
])('a signature that is not of now says how old it is: %s', (words, ageMs, code) => {
  const striped = stripe({ secrets: [SECRET] })
  const told = { by: striped, expected: striped, at: Math.floor(Date.now() / 1000) * 1000 + ageMs }
  expect(codesOf(told)).toEqual([code])
  expect(textOf(told)).toContain(words)
  expect(textOf(told)).toContain('5 min are allowed')
})

test('a token that is wrong is no riddle', () => {
  const told = {
    by: gitlab({ scheme: 'secret-token', secrets: ['another-token-0123456789'] }),
    expected: gitlab({ scheme: 'secret-token', secrets: [SECRET] }),
  }
  expect(codesOf(told)).toEqual(['secret_unknown'])
})

test('hostile bodies and headers do no harm', () => {
  const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
  for (const body of ['', '\0', '{', deep, '"\ud800"', Buffer.alloc(300_000, 0xff), '{"a":'.repeat(8000)]) {
    expect(codesOf({ by: github({ secrets: ['another-secret-0123456789'] }), body })).toEqual(['secret_unknown'])
  }
})
