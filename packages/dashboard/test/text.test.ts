import { describe, expect, test } from 'vitest'
import { bytes, distance, duration } from '../src/format.js'
import { type Piece, partsOf, plainText } from '../src/parts/body-parts.js'
import { hexLines } from '../src/parts/hex-text.js'
import { indentJson, isJson } from '../src/parts/json-text.js'
import { visible } from '../src/parts/visible.js'

const textOf = (pieces: Iterable<Piece>) => [...pieces].map(({ text }) => text).join('')

describe('JSON is indented', () => {
  const indented = (json: string) => textOf(indentJson(json))

  test.each([
    ['{"a":{"b":[1,true,null]},"c":"d"}'],
    ['[]'],
    ['{"empty":{},"none":[]}'],
    ['[[[]],[{}]]'],
    ['"{\\"a\\":1}, [\\\\"'],
    ['17'],
    ['""'],
  ])('as JSON.stringify does it: %s', json => {
    expect(indented(json)).toBe(JSON.stringify(JSON.parse(json), null, 2))
  })

  test('with every number and name as it was sent', () => {
    expect(indented('{"a": 12345678901234567890, "a": 1.00, "b": 1E3}')).toBe(
      '{\n  "a": 12345678901234567890,\n  "a": 1.00,\n  "b": 1E3\n}',
    )
  })

  test('names, strings and words are told apart', () => {
    expect([...indentJson('{"a":"b","c":-1}')].filter(({ kind }) => kind !== 'plain')).toEqual([
      { kind: 'name', text: '"a"' },
      { kind: 'string', text: '"b"' },
      { kind: 'name', text: '"c"' },
      { kind: 'word', text: '-1' },
    ])
  })

  test.each(['', '{', 'not json', '{"a":1}{'])('not if it is none: %j', text => {
    expect(isJson(text)).toBe(false)
  })

  test('however deep it is, on lines that stay narrow', () => {
    const lines = indented(`${'['.repeat(32_000)}1${']'.repeat(32_000)}`).split('\n')
    expect(lines).toHaveLength(64_001)
    expect(Math.max(...lines.map(line => line.length))).toBe(65)
  })

  test('no more of it than is asked for', () => {
    const first = partsOf(indentJson(`[${'1,'.repeat(5_000_000)}1]`)).next()
    expect(first.value.length).toBeLessThan(5_000)
  })
})

describe('a body is cut into parts', () => {
  const MEMBERS = JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 1])))
  const bodies: [string, () => Iterable<Piece>][] = [
    ['many members', () => indentJson(MEMBERS)],
    ['one long string', () => indentJson(JSON.stringify('é🔑'.repeat(300_000)))],
    ['deep', () => indentJson('['.repeat(32_000) + ']'.repeat(32_000))],
    ['one line', () => plainText('🔑'.repeat(500_000))],
    ['many lines', () => plainText('a line\r\n'.repeat(100_000))],
    ['bytes', () => Array.from(hexLines(new Uint8Array(1_048_576)), text => ({ kind: 'plain', text }))],
  ]

  test.each(bodies)('of a bounded size, and nothing is lost: %s', (_, pieces) => {
    const parts = [...partsOf(pieces())]
    expect(parts.map(textOf).join('')).toBe(textOf(pieces()))
    for (const part of parts) {
      expect(textOf(part).length).toBeLessThan(80_000)
      expect(part.length).toBeLessThan(4_000)
      expect(textOf(part).isWellFormed()).toBe(true)
    }
  })

  test.each(bodies.filter(([name]) => !name.startsWith('one')))('at the ends of lines: %s', (_, pieces) => {
    const parts = [...partsOf(pieces())]
    expect(parts.length).toBeGreaterThan(1)
    for (const part of parts.slice(0, -1)) expect(textOf(part)).toMatch(/\n$/)
  })

  test('what nobody would see in it is made visible', () => {
    expect(textOf([...partsOf(plainText('a\u202eb\r\n'))][0]!)).toBe('a⟨U+202E⟩b\r\n')
  })
})

test('controls and marks of direction are shown, tabs and line breaks are left', () => {
  expect(visible('\u001b[31m\u0000 \u007f\u009b\u2066é注🔑\t\n\r\n\r')).toBe('␛[31m␀ ␡⟨U+009B⟩⟨U+2066⟩é注🔑\t\n\r\n␍')
})

test('bytes are shown sixteen a line, with what is visible of them', () => {
  expect([...hexLines(Uint8Array.from({ length: 18 }, (_, i) => i + 0x40))].join('')).toBe(
    [
      '000000  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO',
      '000010  50 51                                            PQ',
    ].join('\n'),
  )
  expect([...hexLines(Uint8Array.of(0, 0x20, 0x7f, 0xff))].join('')).toMatch(/····$/)
})

test('durations and sizes are short', () => {
  expect([0.125, 9.5, 350, 2400, 90_000, 10_800_000, 7 * 86_400_000].map(duration)).toEqual([
    '0.13 ms',
    '9.5 ms',
    '350 ms',
    '2.4 s',
    '1.5 min',
    '3 h',
    '7 d',
  ])
  expect([0, 1023, 1536, 5 * 1024 ** 3].map(bytes)).toEqual(['0 B', '1,023 B', '1.5 KiB', '5 GiB'])
  const now = Date.parse('2030-01-01T00:00:00Z')
  expect(
    ['2029-12-31T23:59:00Z', '2030-01-01T00:00:00.400Z', '2030-01-01T02:00:00Z'].map(at => distance(at, now)),
  ).toEqual(['1 min ago', 'now', 'in 2 h'])
})
