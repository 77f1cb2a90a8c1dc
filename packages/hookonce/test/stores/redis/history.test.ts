import type { AttemptOutcome, RecordId, Store } from 'hookonce'
import { expect, test } from 'vitest'
import { acceptance, opened, take } from './acceptance.js'
import { HOUR, request } from './support.js'

const id = request('one')

const after = (value: Buffer, at: number) => at + 4 + value.readUInt32LE(at)
const numbersAt = (value: Buffer) => after(value, 50)
const textAt = (value: Buffer) => after(value, numbersAt(value) + 24)

/** What a version without histories takes for label and last error. */
const textOf = (value: Buffer) => value.subarray(textAt(value) + 4, after(value, textAt(value)))

function withText(value: Buffer, text: string | Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(text))
  const [start, end] = [textAt(value), after(value, textAt(value))]
  return Buffer.concat([value.subarray(0, start), length, Buffer.from(text), value.subarray(end)])
}

/** As a version without histories claims a failed record: it copies the text. */
function claimedByEarlier(value: Buffer): Buffer {
  const claimed = Buffer.from(value)
  claimed.write('r')
  claimed.writeUInt32LE(claimed.readUInt32LE(numbersAt(claimed) + 16) + 1, numbersAt(claimed) + 16)
  return claimed
}

/** As it fails a running one: it keeps the label, which has a length of one byte. */
function failedByEarlier(value: Buffer, error: string): Buffer {
  const label = textOf(value).toString('latin1', 0, 1) === '#' ? textOf(value).subarray(0, 2 + textOf(value)[1]!) : ''
  const failed = withText(value, Buffer.concat([Buffer.from(label), Buffer.from(`=${error}`)]))
  failed.write('f')
  failed.writeDoubleLE(Date.now(), 10)
  return failed
}

async function record() {
  const { client, store, nameOf } = await opened()
  return {
    store,
    claim: (leaseId: string, changes = {}) => store.claim(request('one', { leaseId, ...changes })),
    fail: (leaseId: string, outcome: AttemptOutcome, error = 'it broke') => store.fail(id, leaseId, { error, outcome }),
    value: async () => (await client.getBuffer(await nameOf('one')))!,
    rewrite: async (by: (value: Buffer) => Buffer) => {
      const name = await nameOf('one')
      await client.set(name, by((await client.getBuffer(name))!), 'KEEPTTL')
    },
  }
}

/** What the history says, and the last error beside it. */
async function told(store: Store, of: RecordId = id) {
  const { history, lastError } = (await store.get(of))!
  return { attempts: history.map(({ number, outcome }) => `${number} ${outcome}`), lastError }
}

test.each([null, 'event'])(
  'a failure that a version without histories left is the first that is told, label %s',
  async label => {
    const { store, claim, fail, rewrite } = await record()
    await claim('ann', { label })
    await rewrite(value => failedByEarlier(value, 'it broke before'))
    expect(await told(store)).toEqual({ attempts: ['1 failed'], lastError: 'it broke before' })
    await claim('ben')
    await fail('ben', 503)
    await claim('ann')
    expect(await told(store)).toEqual({ attempts: ['1 failed', '2 503', '3 running'], lastError: 'it broke' })
    expect(await store.get(id)).toMatchObject({ label })
  },
)

test.each([null, 'event'])(
  'a version without histories takes a history for part of an error, label %s',
  async label => {
    const { store, claim, fail, value, rewrite } = await record()
    await claim('ann', { label })
    await fail('ann', 503)
    await claim('ben')
    await fail('ben', 'timeout', 'it took long')
    expect(textOf(await value()).toString()).toMatch(/@.+timeout\n1 \d+ ann \d+ \d+ 503=it took long$/s)

    await rewrite(claimedByEarlier)
    expect(await told(store)).toEqual({ attempts: ['1 503', '3 running'], lastError: 'it took long' })
    await rewrite(value => failedByEarlier(value, 'it broke there'))
    expect(await told(store)).toEqual({ attempts: ['3 failed'], lastError: 'it broke there' })
    await claim('ann')
    await store.complete(id, 'ann', Buffer.from('result'))
    expect(await told(store)).toEqual({ attempts: ['3 failed', '4 recorded'], lastError: 'it broke there' })
    expect(await store.get(id)).toMatchObject({ label, result: Buffer.from('result') })
  },
)

test('an attempt that a version without histories began is not told with the outcome of the one before', async () => {
  const { store, claim, fail, rewrite } = await record()
  await claim('ann')
  await fail('ann', 503)
  await rewrite(claimedByEarlier)
  await fail('ann', 'threw')
  await claim('ben')
  expect((await told(store)).attempts).toEqual(['2 threw', '3 running'])
})

test('an error, a delivery or a result that begins as a label or a history does is none', async () => {
  const { store, claim, fail, rewrite } = await record()
  await claim('ann')
  for (const error of ['@', '@\x05\0', '#', '#\x05', '=', '']) {
    for (const write of [
      () => rewrite(value => failedByEarlier(value, error)),
      () => rewrite(value => withText(value, '')).then(() => fail('ann', 'threw', error)),
    ]) {
      await write()
      expect((await told(store)).lastError).toBe(error)
      await claim('ann')
      expect((await told(store)).lastError).toBe(error)
      expect(await store.get(id)).toMatchObject({ label: null })
    }
  }
  await rewrite(value => withText(value, ''))
  await store.complete(id, 'ann', Buffer.from('@\x05\0result'))
  expect(await store.get(id)).toMatchObject({ lastError: null, result: Buffer.from('@\x05\0result') })
})

test('an attempt from before the clock stepped back took no time, not less', async () => {
  const { store, claim, fail, rewrite } = await record()
  await claim('ann')
  await rewrite(value => {
    value.writeDoubleLE(value.readDoubleLE(26) + HOUR, 26)
    return value
  })
  await fail('ann', 503)
  await claim('ben')
  expect((await store.get(id))!.history).toMatchObject([{ tookMs: 0, outcome: 503 }, { outcome: 'running' }])
})

test('a list tells of a record with the longest texts and a full history', async () => {
  const { store } = await opened()
  const longest = { fingerprint: 'f'.repeat(64), label: 'l'.repeat(255), group: 'g'.repeat(255) }
  await store.accept(acceptance('one', longest))
  for (let attempt = 1; attempt <= 12; attempt++) {
    await take(store, 'a-process.1')
    await store.fail(id, 'a-process.1', { error: '€'.repeat(1000), outcome: 'not_begun' })
  }
  const { history, result: _, delivery: __, ...summary } = (await store.get(id))!
  expect(history).toHaveLength(10)
  expect((await store.list({ limit: 10 })).records).toEqual([summary])
  expect((await store.list({ limit: 10, accepted: true })).records).toEqual([summary])
})

test('neither a first attempt nor an acceptance or a duplicate leaves anything in a history', async () => {
  const { store, claim, value } = await record()
  await store.accept(acceptance('one'))
  await take(store, 'ann')
  await store.complete(id, 'ann', Buffer.from('result'))
  await claim('ben')
  expect(textOf(await value()).toString()).toBe('')
})
