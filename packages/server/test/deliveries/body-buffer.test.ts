import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LARGE_PIECE_BYTES, Reading, Readings } from '../../src/deliveries/body-buffer.js'
import { Upload, UploadTurns } from '../../src/deliveries/upload-queue.js'

/** A body read in pieces of these lengths, and what was sent. */
function read(lengths: number[]) {
  const pieces = lengths.map(length => randomBytes(length))
  const sent = Buffer.concat(pieces)
  const reading = new Reading(new Readings(), sent.length, () => {})
  for (const piece of pieces) reading.add(piece)
  return { reading, sent }
}

const LARGE = LARGE_PIECE_BYTES
const SMALL = LARGE_PIECE_BYTES - 1

test.each([
  ['one small piece', [10]],
  ['one large piece', [LARGE]],
  ['small pieces', [1, SMALL, 7, 300, SMALL]],
  ['large pieces', [LARGE, 4 * LARGE, LARGE]],
  ['both, a large one first', [LARGE, 5, SMALL, 2 * LARGE, 1]],
  ['both, small ones first', [3, 500, LARGE, 9, 9, 9, LARGE]],
])('a body that came in %s is what was sent, in little more memory than it needs', (_, lengths) => {
  const { reading, sent } = read(lengths)
  expect(reading.length).toBe(sent.length)
  expect(reading.bytes.equals(sent)).toBe(true)
  expect(reading.size).toBeGreaterThanOrEqual(sent.length)
  expect(reading.size).toBeLessThanOrEqual(2 * sent.length)
})

test('a large piece is kept as it came: nothing is copied before the body is whole', () => {
  const reading = new Reading(new Readings(), 10 * LARGE, () => {})
  for (let pieces = 1; pieces <= 8; pieces++) {
    reading.add(randomBytes(LARGE))
    expect(reading.size).toBe(pieces * LARGE)
  }
})

test('in one turn of the event loop one upload goes on, in the order in which they wait', async () => {
  const resumed: number[] = []
  const turns = new UploadTurns()
  for (let i = 0; i < 10; i++) {
    const socket = Object.assign(new EventEmitter(), { pause() {}, resume: () => void resumed.push(i) })
    turns.wait(new Upload(socket as unknown as Socket))
  }
  for (let turn = 0; turn < 10; turn++) {
    expect(resumed).toEqual(Array.from({ length: turn }, (_, i) => i))
    await setImmediate()
  }
  expect(resumed).toHaveLength(10)
})
