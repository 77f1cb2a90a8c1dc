import { Delivery } from 'hookonce'
import { SENDERS } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { type Event, eventOf } from '../events.js'
import { bytesOf, draftOf } from '../message.js'
import { expectationsOf } from '../oracle/expect.js'
import { type ReadRequest, readRequests } from '../oracle/reader.js'
import { verify } from '../oracle/verify.js'
import { shotOf } from '../plan.js'
import { SOURCES, sourceNamed } from '../sources.js'

const NOW = 1_760_000_000_000

/** An ordinary event of each source. */
const EVENTS: [name: string, event: Event][] = SOURCES.map(source => {
  for (let number = 0; ; number++) {
    const event = eventOf(7, number)
    if (event.source === source && event.ordinary) return [source.name, event]
  }
})

const sent = (event: Event, by = event.source.sender) => bytesOf(draftOf(event, { number: 1, now: NOW }, by))
const verdictOf = (bytes: Buffer, event: Event, now = NOW) => expectationsOf(bytes, [event], now).requests[0]?.verdict

describe.each(EVENTS)('what %s signs', (_, event) => {
  test('must be taken', () => expect(verdictOf(sent(event), event)).toBe('must'))
  test('must not be with the secret of a stranger', () =>
    expect(verdictOf(sent(event, event.source.stranger), event)).toBe('never'))
  test('must not be at another source', () => {
    for (const { name } of SOURCES.filter(source => source !== event.source)) {
      const bytes = Buffer.from(
        sent(event).toString('latin1').replace(`/hooks/${event.source.name}`, `/hooks/${name}`),
        'latin1',
      )
      expect(verdictOf(bytes, event), name).toBe('never')
    }
  })
  test('may be with a spelling of its path that others take for the same', () => {
    const bytes = Buffer.from(sent(event).toString('latin1').replace('/hooks/', '/%68ooks/'), 'latin1')
    expect(verdictOf(bytes, event)).toBe('may')
  })
})

test('what an hour ago was signed with its time must not be taken, and without it must', () => {
  const verdicts = EVENTS.map(([name, event]) => [name, verdictOf(sent(event), event, NOW + 3_600_000)])
  const timeless = ['github', 'shopify', 'twilio', 'square', 'gitlab']
  expect(verdicts).toEqual(EVENTS.map(([name]) => [name, timeless.includes(name) ? 'must' : 'never']))
})

test('the oracle and the senders of the library agree on what was signed', () => {
  const made = new Map(
    SOURCES.map(({ name, secret, publicUrl }) => [name, SENDERS.get(name)!.create({ secrets: [secret], publicUrl })]),
  )
  const counts = { genuine: 0, unsure: 0, foreign: 0 }
  for (let number = 0; number < 3_000; number++) {
    const { bytes, label } = shotOf(5, number, NOW)
    for (const { method, target, headers, body } of readRequests(bytes).requests) {
      const [path = '', query = ''] = target.split(/(?=\?)/s, 2)
      const source = sourceNamed(path.replace('/hooks/', ''))
      if (source === undefined || method !== 'POST') continue
      const verdict = verify(source, { headers, query, body }, NOW)
      const refusal = made.get(source.name)!.verify(new Delivery({ method, url: target, headers, body }), NOW)
      counts[verdict]++
      const told = `request ${number}, ${label}: ${verdict}, ${refusal}`
      if (verdict === 'genuine') expect(refusal, told).toBeNull()
      if (verdict === 'foreign') expect(refusal, told).not.toBeNull()
    }
  }
  expect([counts.genuine > 1_000, counts.unsure > 10, counts.foreign > 150], JSON.stringify(counts)).toEqual([
    true,
    true,
    true,
  ])
})

test('a request is the same again for the same seed, number and time', () => {
  const all = (seed: number) =>
    Array.from({ length: 200 }, (_, number) => shotOf(seed, number, NOW).bytes.toString('latin1'))
  expect(all(3)).toEqual(all(3))
  const other = new Set(all(4))
  expect(all(3).filter(bytes => other.has(bytes)).length).toBeLessThan(5)
})

describe('requests as their bytes say them', () => {
  const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\n'
  const read = (text: string) => readRequests(Buffer.from(text, 'latin1'))
  const bodies = (requests: ReadRequest[]) => requests.map(({ body }) => body.toString())

  test.each([
    ['a length', `${HEAD}Content-Length: 2\r\n\r\nab`, ['ab']],
    ['none', `${HEAD}\r\n`, ['']],
    ['chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n1;a="b c"\r\na\r\n01\r\nb\r\n0\r\nT: 1\r\n\r\n`, ['ab']],
    ['two, one behind the other', `${HEAD}Content-Length: 1\r\n\r\na${HEAD}Content-Length: 1\r\n\r\nb`, ['a', 'b']],
  ])('with %s', (_, text, expected) => {
    const { requests, rest } = read(text)
    expect([bodies(requests), rest, requests.some(({ lenient }) => lenient)]).toEqual([expected, 'nothing', false])
  })

  test.each([
    ['a line that ends with LF', `${HEAD}A: 1\n\r\n`],
    ['a folded line', `${HEAD}A: 1\r\n 2\r\n\r\n`],
    ['an empty line before it', `\r\n${HEAD}\r\n`],
    ['no host', 'POST / HTTP/1.1\r\n\r\n'],
    ['one length twice', `${HEAD}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
    ['a control character', `${HEAD}A: \x01\r\n\r\n`],
    ['another version', 'POST / HTTP/2.0\r\nHost: x\r\n\r\n'],
    ['no version', 'POST /\r\nHost: x\r\n\r\n'],
    ['many fields', `${HEAD}${'A: 1\r\n'.repeat(200)}\r\n`],
  ])('may be refused with %s', (_, text) => {
    expect(read(text)).toMatchObject({ requests: [{ lenient: true }], rest: 'nothing' })
  })

  test.each([
    ['length and chunks', `${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['a length with a sign', `${HEAD}Content-Length: +2\r\n\r\nab`],
    ['a coding that is not the last', `${HEAD}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `${HEAD}Content-Length : 2\r\n\r\nab`],
    ['a chunk that is longer than it says', `${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`],
    ['CR in a line', `${HEAD}A: 1\r2\r\n\r\n`],
    ['NUL', `${HEAD}A: \x00\r\n\r\n`],
  ])('must be refused with %s', (_, text) => {
    expect(read(text)).toEqual({ requests: [], rest: 'malformed' })
  })

  test('may be cut short', () => {
    for (const text of [`${HEAD}Content-Length: 2\r\n\r\na`, HEAD, `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\na`]) {
      expect(read(text)).toEqual({ requests: [], rest: 'incomplete' })
    }
  })
})
