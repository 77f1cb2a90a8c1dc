import { expect, test } from 'vitest'
import { prettyPrinter } from '../../src/observability/pretty.js'

const time = '2026-01-02T03:04:05.006Z'
const plain = prettyPrinter((_, text) => text, false)
const shown = (line: object) => plain(JSON.stringify({ level: 'info', time, ...line })).replace(/^\S+/, 'TIME')

test('a delivery is one line in columns', () => {
  expect(
    shown({
      msg: 'delivery',
      source: 'orders',
      key: 'k',
      requestId: 'r',
      durationMs: 12.34,
      status: 200,
      outcome: 'executed',
      attempt: 1,
    }),
  ).toBe('TIME  orders      k                     executed      200     12.3 ms  attempt 1\n')
})

test('anything else is its level, its message, its reason and its facts', () => {
  expect(
    shown({
      level: 'warn',
      msg: 'attempt given back',
      reason: 'status 503: "away"',
      source: 'x',
      lines: 3,
      senders: { a: 'b' },
    }),
  ).toBe('TIME  warn   attempt given back: status 503: "away"  source=x lines=3 senders={"a":"b"}\n')
})

test('long keys lose their middle; at debug they are whole', () => {
  const key = 'a'.repeat(10) + 'b'.repeat(20) + 'c'.repeat(10)
  const line = { msg: 'delivery', source: 'x', key, outcome: 'replayed', status: 200 }
  expect(shown(line)).toContain('  aaaaaaaa…bcccccccccc  ')
  expect(shown(line)).not.toContain(key)
  expect(prettyPrinter((_, text) => text, true)(JSON.stringify({ level: 'debug', time, ...line }))).toContain(key)
})

const EVIL = 'x\n12:00:00.000  orders  k  executed\u001b[31m\u202e'

test.each([
  ['a message', { msg: EVIL }],
  ['a key', { msg: 'delivery', source: 'x', key: EVIL, outcome: 'executed', status: 200 }],
  ['a source', { msg: 'delivery', source: EVIL, key: 'k', outcome: 'executed', status: 200 }],
  ['a reason', { msg: 'm', reason: EVIL }],
  ['a fix', { msg: 'm', fix: EVIL }],
  ['a fact', { msg: 'm', fact: EVIL, list: [EVIL] }],
  ['an error', { msg: 'm', err: { type: EVIL, message: EVIL, code: EVIL, stack: `    at ${EVIL}` } }],
])('%s cannot pass for a line of its own, nor move the cursor', (_, line) => {
  const text = shown(line)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
  const [first, ...rest] = text.trimEnd().split('\n')
  expect(first).toMatch(/^TIME {2}/)
  for (const below of rest) expect(below).toMatch(/^ {14}/)
})
