import fc from 'fast-check'
import { Delivery, InvalidKeyError } from 'hookonce'
import { exactJsonOf, fieldKey, hmac, joinedKey, stripe } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { received, signed } from './signed.js'

const delivery = (body: string | Uint8Array) =>
  new Delivery({ method: 'POST', url: '/', headers: [], body: Buffer.from(body as string) })
const key = (id: string) => fieldKey('id')(delivery(`{"id":${id}}`))
const DIGEST = /^sha256:[\w-]{43}$/

describe('the key of a field', () => {
  test('is the text, or the number as it is written', () => {
    const ids = [
      '"o-1"',
      '17',
      '9007199254740991',
      '9007199254740993',
      '-1',
      '1.50',
      '"1,5"',
      '123456789012345678901234567890',
    ]
    expect(ids.map(key)).toEqual(ids.map(id => id.replaceAll('"', '')))
  })

  test('is a digest where the text is not in the form of a key', () => {
    const texts = [
      'INV 2024/001',
      'Müller-17',
      '注文-1',
      'x'.repeat(300),
      ' ',
      '\n',
      '\0',
      '💥',
      '\ud800',
      '\ud801',
      '\udc00',
    ]
    const keys = texts.map(text => key(JSON.stringify(text))!)
    for (const [at, each] of keys.entries()) expect([texts[at], DIGEST.test(each)]).toEqual([texts[at], true])
    expect(new Set(keys).size).toBe(texts.length)
    expect(key('"M\\u00fcller-17"')).toBe(key('"Müller-17"'))
  })

  test('a text that looks like a digest is replaced by its own digest', () => {
    const digest = key('"Müller-17"')!
    expect(key(JSON.stringify(digest))).toMatch(DIGEST)
    expect(key(JSON.stringify(digest))).not.toBe(digest)
  })

  test('distinguishes numbers that are equal as doubles', () => {
    const ids = [
      '9007199254740992',
      '9007199254740993',
      '9007199254740994',
      '1e400',
      '1e401',
      '0.1',
      '0.10000000000000000001',
    ]
    expect(new Set(ids.map(key)).size).toBe(ids.length)
    expect(ids.map(key)).toEqual(ids.map(key))
  })

  test('is found by its path, in lists too, last of those with one name', () => {
    const body = '{"a":[{"b":1},{"b":9007199254740993}],"c":{"d.e":1},"f":1,"f":2,"__proto__":{"g":3},"s":"\\\\\\"7,8"}'
    const at = (path: string) => fieldKey(path)(delivery(body))
    expect(['a.0.b', 'a.1.b', 'f', '__proto__.g', 's'].map(at)).toEqual(['1', '9007199254740993', '2', '3', '\\"7,8'])
    expect(['a.2.b', 'a.b', 'c.d.e', 'f.x', 'toString', ''].map(at)).toEqual(Array(6).fill(null))
  })

  test('is not there in what is no JSON, or nothing', () => {
    for (const body of ['', 'x', '{"id":', '[]', 'null', '7', '"id"', '{}', '{"id":null}']) {
      expect([body, fieldKey('id')(delivery(body))]).toEqual([body, null])
    }
    expect(fieldKey('id')(delivery(Buffer.from([0x7b, 0xff])))).toBeNull()
  })

  test('cannot be empty, or no text and no number', () => {
    for (const id of ['""', 'true', '{}', '[]', '[1]']) expect(() => key(id), id).toThrow(InvalidKeyError)
  })
})

test('numbers are read as their text, everything else as JSON', () => {
  const read = (text: string) => exactJsonOf(delivery(text))
  const written = (value: unknown): unknown => {
    if (typeof value === 'number') return JSON.stringify(value)
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(written)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, written(each)]))
  }
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), fc.nat({ max: 2 }), (value, space) => {
      const text = JSON.stringify(value, null, space)
      expect(read(text)).toEqual(written(JSON.parse(text)))
      expect(read(`\ufeff${text}`)).toEqual(read(text))
    }),
    { numRuns: 500 },
  )
  const strings = '{"\\"1":"\\\\","2":"3\\\\\\"4","\\u0022":"5"}'
  expect(read(strings)).toEqual(JSON.parse(strings))
  for (const broken of ['{"id":01}', '{"id":1', '"', '"\\', '-', '{"id":+1}', '1 2'])
    expect(read(broken)).toBeUndefined()
})

test('a long body with nothing but quotes is read in one pass', () => {
  const body = JSON.stringify({ text: '\\"'.repeat(500_000), list: Array(100_000).fill(7), id: 2 ** 53 })
  expect(fieldKey('id')(delivery(body))).toBe('9007199254740992')
})

describe('a source with ids of any kind', () => {
  const sender = hmac({ secrets: ['a secret'], key: { field: 'id' } })
  const ids = [
    '"o-1"',
    '"INV 2024/001"',
    '"Müller-17"',
    '"注文-1"',
    `"${'x'.repeat(300)}"`,
    '9007199254740992',
    '9007199254740993',
  ]

  test('runs each once', async () => {
    const deliveries = ids.map(id => signed(sender, { body: `{"id":${id}}` }))
    const { runs, statuses } = await received(sender, ...deliveries, ...deliveries)
    expect([runs, new Set(statuses)]).toEqual([ids.length, new Set([200])])
  })

  test('has the text of the id as a label', () => {
    expect(sender.label!(signed(sender, { body: '{"id":"Müller-17"}' }))).toBe('Müller-17')
    for (const body of ['{}', '{"id":""}', '{"id":{}}', 'x']) expect(sender.label!(signed(sender, { body }))).toBeNull()
  })
})

test('parts that are one in UTF-8, and are not, are two keys', () => {
  expect(new Set(['\ud800', '\ud801', '\ufffd'].map(part => joinedKey([part, 'a']))).size).toBe(3)
})

test('the key of a Stripe event is its id', () => {
  const sender = stripe({ secrets: ['whsec_x'] })
  expect(sender.key(signed(sender, { body: '{"id":"evt_1"}' }))).toBe('evt_1')
})
