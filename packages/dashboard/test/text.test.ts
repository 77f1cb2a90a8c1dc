import { describe, expect, test } from 'vitest'
import { bytes, distance, duration } from '../src/format.js'
import { hexText } from '../src/parts/hex-text.js'
import { indentJson } from '../src/parts/json-text.js'

describe('JSON is indented', () => {
  const indented = (json: string) =>
    indentJson(json)
      ?.map(({ text }) => text)
      .join('')

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
    expect(indentJson('{"a":"b","c":-1}')?.filter(({ kind }) => kind !== 'plain')).toEqual([
      { kind: 'name', text: '"a"' },
      { kind: 'string', text: '"b"' },
      { kind: 'name', text: '"c"' },
      { kind: 'word', text: '-1' },
    ])
  })

  test.each(['', '{', 'not json', '{"a":1}{'])('not if it is none: %j', text => {
    expect(indentJson(text)).toBeUndefined()
  })
})

test('bytes are shown sixteen a line, with what is visible of them', () => {
  expect(hexText(Uint8Array.from({ length: 18 }, (_, i) => i + 0x40))).toBe(
    [
      '000000  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO',
      '000010  50 51                                            PQ',
    ].join('\n'),
  )
  expect(hexText(Uint8Array.of(0, 0x20, 0x7f, 0xff))).toMatch(/····$/)
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
