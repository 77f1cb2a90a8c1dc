import assert from 'node:assert/strict'
import type { RecordedAttempt } from '../../stores/store.js'
import { behaviour, type StoreCase } from './harness.js'
import {
  abandon as abandonDue,
  accept,
  fail as failDue,
  inboxCase,
  lose,
  redrive,
  take,
  takeOne,
} from './inbox/support.js'
import { ANN, BEN, CLEO, type Probe } from './probe.js'

/** What the history says of each attempt, without its times. */
const told = (history: RecordedAttempt[]) => history.map(({ number, outcome }) => `${number} ${outcome}`)

const toldOf = async (probe: Probe) => told((await probe.record()).history)

const failAs = (probe: Probe, leaseId: string, outcome: RecordedAttempt['outcome']) =>
  probe.store.fail(probe.id, leaseId, { error: 'it broke', outcome })

export const historyCases: readonly StoreCase[] = [
  behaviour('a record tells of its running attempt, and of its result', async ({ probe }) => {
    const { fencingToken } = await probe.acquire('ann-process.1')
    const running = await probe.record()
    assert.deepEqual(running.history, [
      {
        ...{ number: 1, fencingToken, process: 'ann-proc', beganAt: running.claimedAt },
        ...{ tookMs: null, outcome: 'running' },
      },
    ])
    await probe.timePasses()
    await probe.completed('ann-process.1')
    const { settledAt, claimedAt, history } = await probe.record()
    assert.deepEqual(history, [{ ...running.history[0], tookMs: settledAt! - claimedAt, outcome: 'recorded' }])
  }),

  behaviour('it tells how each attempt failed: a status, an error, a time limit', async ({ probe }) => {
    await probe.acquire(ANN)
    await failAs(probe, ANN, 503)
    assert.deepEqual(await toldOf(probe), ['1 503'])
    await probe.acquire(BEN)
    await failAs(probe, BEN, 'timeout')
    await probe.acquire(CLEO)
    await probe.fail(CLEO, 'it threw')
    assert.deepEqual(await toldOf(probe), ['1 503', '2 timeout', '3 threw'])
    await probe.acquire(ANN)
    assert.deepEqual(await toldOf(probe), ['1 503', '2 timeout', '3 threw', '4 running'])
  }),

  behaviour('earlier attempts keep their number, their token, their process and their times', async ({ probe }) => {
    await probe.acquire('ann-process.1')
    await probe.timePasses()
    await failAs(probe, 'ann-process.1', 500)
    const before = (await probe.record()).history
    await probe.acquire('ben-process.9')
    const { history } = await probe.record()
    assert.deepEqual(history.slice(0, 1), before)
    assert.equal(history[1]!.process, 'ben-proc')
  }),

  behaviour('an attempt that was taken over is lost, and took until then', async ({ probe }) => {
    await probe.abandon(ANN)
    await probe.acquire(BEN)
    const { history, claimedAt } = await probe.record()
    assert.deepEqual(told(history), ['1 lost', '2 running'])
    const [lost] = history
    assert.ok(lost!.tookMs! >= 1 && lost!.beganAt + lost!.tookMs! <= claimedAt + 1)
  }),

  behaviour('the last ten attempts are told, oldest first', async ({ probe }) => {
    for (let number = 1; number <= 12; number++) {
      await probe.acquire(ANN)
      await failAs(probe, ANN, 500 + number)
    }
    assert.deepEqual(
      await toldOf(probe),
      Array.from({ length: 10 }, (_, i) => `${i + 3} ${503 + i}`),
    )
  }),

  behaviour('a command that is sent again tells of no further attempt', async ({ probe }) => {
    await probe.acquire(ANN)
    await failAs(probe, ANN, 500)
    await failAs(probe, ANN, 'timeout')
    await probe.acquire(BEN)
    await probe.acquire(BEN)
    assert.deepEqual(await toldOf(probe), ['1 500', '2 running'])
  }),

  behaviour('a deleted record takes its history with it', async ({ probe }) => {
    await probe.acquire(ANN)
    await failAs(probe, ANN, 500)
    await probe.delete()
    await probe.acquire(BEN)
    assert.deepEqual(await toldOf(probe), ['1 running'])
  }),

  inboxCase('what waits for its first attempt has no history', async ({ probe }) => {
    await accept(probe)
    assert.deepEqual(await toldOf(probe), [])
  }),

  inboxCase('attempts out of an inbox are told as others are, lost and given up ones too', async ({ probe }) => {
    await accept(probe)
    await lose(probe, ANN)
    await takeOne(probe, BEN)
    await probe.store.fail(probe.id, BEN, { error: 'no room', outcome: 'not_begun' })
    await abandonDue(probe, CLEO)
    await takeOne(probe, ANN)
    await failDue(probe, ANN, 'dead')
    assert.deepEqual(await toldOf(probe), ['1 lost', '2 not_begun', '3 lost', '4 threw'])
  }),

  inboxCase('one that dies of its losses was lost', async ({ probe }) => {
    await accept(probe)
    await lose(probe, ANN)
    assert.deepEqual(await take(probe, BEN, { maxLosses: 1 }), [])
    assert.deepEqual(await toldOf(probe), ['1 lost'])
    await redrive(probe)
    await takeOne(probe, BEN)
    assert.deepEqual(await toldOf(probe), ['1 lost', '2 running'])
  }),

  inboxCase('a redrive keeps the history, and adds to it', async ({ probe }) => {
    await accept(probe)
    await takeOne(probe, ANN)
    await failDue(probe, ANN, 'dead')
    await redrive(probe)
    assert.deepEqual(await toldOf(probe), ['1 threw'])
    await takeOne(probe, BEN)
    await probe.completed(BEN)
    await redrive(probe, { completed: true })
    assert.deepEqual(await toldOf(probe), ['1 threw', '2 recorded'])
    await takeOne(probe, CLEO)
    assert.deepEqual(await toldOf(probe), ['1 threw', '2 recorded', '3 running'])
  }),
]
