import assert from 'node:assert/strict'
import { LOST_ERROR } from '../../stores/inbox-store.js'
import { type ListQuery, lostError, MAX_KEY_BYTES } from '../../stores/store.js'
import { behaviour, type StoreCase } from './harness.js'
import { accept, fail, inboxCase, lose, redrive, take, takeOne } from './inbox/support.js'
import { ANN, BEN, CLEO, type Probe } from './probe.js'

const RED = 'an event: red'
const BLUE = 'an event: blue'

const labelOf = async (probe: Probe) => (await probe.record()).label

async function keysLabelled(probe: Probe, label: string, query: Partial<ListQuery> = {}): Promise<string[]> {
  const records = await probe.listed({ label, limit: 2, ...query })
  assert.ok(records.every(record => record.label === label))
  return records.map(({ key }) => key)
}

/** Labels that break wrong quoting, patterns, encodings or lengths. */
const hostileLabels = [
  '',
  '=',
  '#',
  '#=',
  "it's",
  'a%b',
  'a*b',
  'Ж',
  '🪝',
  '0',
  'x'.repeat(MAX_KEY_BYTES),
  'é'.repeat(127),
]

export const labelCases: readonly StoreCase[] = [
  behaviour('a record has the label of its claim, in every state', async ({ probe }) => {
    await probe.acquire(ANN, { label: RED })
    assert.equal(await labelOf(probe), RED)
    await probe.renew(ANN)
    assert.equal(await labelOf(probe), RED)
    await probe.fail(ANN, 'it broke')
    assert.deepEqual([await labelOf(probe), (await probe.record()).lastError], [RED, 'it broke'])
    await probe.abandon(BEN)
    assert.deepEqual([await labelOf(probe), (await probe.record()).lastError], [RED, 'it broke'])
    await probe.acquire(CLEO)
    await probe.completed(CLEO)
    assert.deepEqual([await labelOf(probe), (await probe.record()).lastError], [RED, lostError(2)])
  }),

  behaviour('a record keeps the first label that is known', async ({ probe }) => {
    await probe.acquire(ANN)
    assert.equal(await labelOf(probe), null)
    await probe.fail(ANN, 'it broke')
    await probe.acquire(BEN, { label: RED })
    assert.deepEqual([await labelOf(probe), (await probe.record()).lastError], [RED, 'it broke'])
    await probe.fail(BEN, 'again')
    await probe.acquire(CLEO, { label: BLUE })
    assert.deepEqual([await labelOf(probe), (await probe.record()).lastError], [RED, 'again'])
  }),

  behaviour('a label is no reason for anything: another one is the same operation', async ({ probe }) => {
    await probe.acquire(ANN, { label: RED })
    assert.equal((await probe.claim(BEN, { label: BLUE })).status, 'running')
    await probe.completed(ANN)
    assert.equal((await probe.claim(BEN, { label: BLUE })).status, 'completed')
    assert.equal(await labelOf(probe), RED)
  }),

  behaviour('what comes after a deleted or expired record has a label of its own', async ({ probe }) => {
    await probe.acquire(ANN, { label: RED })
    await probe.delete({ force: true })
    await probe.acquire(BEN)
    assert.equal(await labelOf(probe), null)
    const brief = probe.of({ key: 'brief' })
    await brief.acquire(ANN, { label: RED, retentionMs: 1 })
    await brief.completed(ANN)
    await brief.gone()
    await brief.acquire(BEN, { label: BLUE })
    assert.equal(await labelOf(brief), BLUE)
    assert.deepEqual(await keysLabelled(probe, RED), [])
  }),

  behaviour('a list can be narrowed to one label', async ({ probe }) => {
    for (const [i, label] of [RED, BLUE, null, RED, BLUE, RED].entries()) {
      await probe.of({ key: `${i}` }).acquire(ANN, { label })
    }
    await probe.of({ scope: `${probe.id.scope}*`, key: 'elsewhere' }).acquire(ANN, { label: RED })
    await probe.of({ key: '3' }).completed(ANN, 'done')
    for (const limit of [1, 2, 3, 1000]) {
      assert.deepEqual((await keysLabelled(probe, RED, { limit })).sort(), ['0', '3', '5'])
    }
    assert.deepEqual((await keysLabelled(probe, BLUE)).sort(), ['1', '4'])
    assert.deepEqual(await keysLabelled(probe, RED, { state: 'completed' }), ['3'])
    assert.deepEqual(await keysLabelled(probe, 'an event'), [])
    assert.deepEqual(await keysLabelled(probe, RED, { accepted: true }), [])
  }),

  behaviour('labels of all kinds are kept and found as they are', async ({ probe }) => {
    for (const [i, label] of hostileLabels.entries()) await probe.of({ key: `${i}` }).acquire(ANN, { label })
    for (const [i, label] of hostileLabels.entries()) {
      assert.equal(await labelOf(probe.of({ key: `${i}` })), label)
      assert.deepEqual(await keysLabelled(probe, label), [`${i}`])
    }
  }),

  behaviour('a completed record hands out its result, whatever its label', async ({ probe }) => {
    await probe.acquire(ANN, { label: 'x'.repeat(MAX_KEY_BYTES) })
    await probe.completed(ANN, 'the answer')
    const outcome = await probe.claim(BEN)
    assert.ok(outcome.status === 'completed')
    assert.equal(Buffer.from(outcome.result).toString(), 'the answer')
  }),

  inboxCase('an accepted record keeps its label in every state, and whatever is accepted again', async ({ probe }) => {
    await accept(probe, { label: RED })
    await accept(probe, { label: BLUE, acceptId: CLEO })
    const seen: unknown[] = []
    const checkLabel = async () => {
      const { state, label, lastError } = await probe.record()
      seen.push([state, label, lastError])
    }
    await checkLabel()
    await takeOne(probe, ANN)
    await checkLabel()
    await fail(probe, ANN, { dueInMs: 0 })
    await checkLabel()
    await takeOne(probe, BEN)
    await fail(probe, BEN, 'dead')
    await checkLabel()
    await redrive(probe)
    await lose(probe, CLEO)
    assert.deepEqual(await take(probe, ANN, { maxLosses: 1 }), [])
    await checkLabel()
    await redrive(probe)
    await takeOne(probe, ANN)
    await probe.completed(ANN, 'done')
    await checkLabel()
    assert.deepEqual(seen, [
      ['pending', RED, null],
      ['running', RED, null],
      ['failed', RED, 'it broke'],
      ['dead', RED, 'it broke'],
      ['dead', RED, LOST_ERROR],
      ['completed', RED, LOST_ERROR],
    ])
    assert.equal(Buffer.from((await probe.record()).delivery!).toString(), 'delivery')
  }),

  inboxCase('accepted records of one label are listed newest first, by time and state', async ({ probe }) => {
    const times: number[] = []
    for (const [i, label] of [RED, BLUE, RED, RED, null].entries()) {
      const one = probe.of({ key: `${i}` })
      await accept(one, { label })
      times.push((await one.record()).createdAt)
      await probe.of({ scope: `${probe.id.scope}-${i}` }).timePasses()
    }
    await probe.of({ key: 'claimed' }).acquire(ANN, { label: RED })
    await takeOne(probe.of({ key: '0' }), ANN, { limit: 1 })
    assert.deepEqual(await keysLabelled(probe, RED, { accepted: true }), ['3', '2', '0'])
    assert.deepEqual(await keysLabelled(probe, RED, { accepted: true, state: 'pending' }), ['3', '2'])
    assert.deepEqual(await keysLabelled(probe, RED, { accepted: true, since: times[2]!, until: times[3]! }), ['2'])
    assert.deepEqual((await keysLabelled(probe, RED)).sort(), ['0', '2', '3', 'claimed'])
    await fail(probe.of({ key: '0' }), ANN, 'dead')
    assert.deepEqual(await keysLabelled(probe, RED, { accepted: true, state: 'dead' }), ['0'])
  }),
]
