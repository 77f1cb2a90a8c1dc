import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { BodyBuffer, BodyBufferList, LARGE_PIECE_BYTES } from '../../src/deliveries/body-buffer.js'
import { Upload, UploadQueue } from '../../src/deliveries/upload-queue.js'

/** A body read in pieces of these lengths, and what was sent. */
function read(lengths: number[]) {
  const pieces = lengths.map(length => randomBytes(length))
  const sent = Buffer.concat(pieces)
  const buffer = new BodyBuffer(new BodyBufferList(), sent.length, () => {})
  for (const piece of pieces) buffer.add(piece)
  return { buffer, sent }
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
])('a body that arrives in %s is the one that was sent, and takes at most twice its size', (_, lengths) => {
  const { buffer, sent } = read(lengths)
  expect(buffer.length).toBe(sent.length)
  expect(buffer.bytes.equals(sent)).toBe(true)
  expect(buffer.size).toBeGreaterThanOrEqual(sent.length)
  expect(buffer.size).toBeLessThanOrEqual(2 * sent.length)
})

test('large chunks are not copied before the body is complete', () => {
  const buffer = new BodyBuffer(new BodyBufferList(), 10 * LARGE, () => {})
  for (let pieces = 1; pieces <= 8; pieces++) {
    buffer.add(randomBytes(LARGE))
    expect(buffer.size).toBe(pieces * LARGE)
  }
})

test('one upload is resumed per iteration of the event loop, first come, first served', async () => {
  const resumed: number[] = []
  const queue = new UploadQueue()
  for (let i = 0; i < 10; i++) {
    const socket = Object.assign(new EventEmitter(), { pause() {}, resume: () => void resumed.push(i) })
    queue.add(new Upload(socket as unknown as Socket))
  }
  for (let count = 0; count < 10; count++) {
    expect(resumed).toEqual(Array.from({ length: count }, (_, i) => i))
    await setImmediate()
  }
  expect(resumed).toHaveLength(10)
})
