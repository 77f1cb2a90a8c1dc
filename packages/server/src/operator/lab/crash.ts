import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { DEFAULT_TIMING, encodeDelivery, isInboxStore, timingOf } from 'hookonce'
import { answered } from '../answered.js'
import { type Experiment, isSettled, PATIENCE_MS, type Progress, READ_EVERY_MS, recordOf } from './experiment.js'
import { LiveRun, within } from './live-run.js'

/** Not that of the source, if it is longer: somebody watches. */
const MOST_LEASE_MS = 3_000
/** However much later a delivery is asked for. */
const MOST_PAUSE_MS = 5_000
/** As the engine's. */
const MAX_LOSSES = 10

export interface CrashProgress extends Progress {
  /** How long the process that died had reserved the key. */
  lease_ms: number
  /** Deliveries of the event afterwards, in their order. */
  answers: { status: number; ms: number; retry_after: string | null }[]
  /** One more is not answered yet. */
  waiting: boolean
}

/**
 * Claims the key of an event as a process would that dies at once: under a lease that nobody renews. Then delivers the event
 * as its sender would, again whenever the answer asks for it, until it is done.
 *
 * @returns `undefined`: the key has a record already
 */
export async function crashAndHeal(experiment: Experiment): Promise<LiveRun<CrashProgress> | undefined> {
  const leaseMs = Math.min(experiment.configured.options.leaseMs, MOST_LEASE_MS)
  if (!(await claimAndDie(experiment, leaseMs))) return undefined
  const initial = { key: experiment.key, lease_ms: leaseMs, answers: [], waiting: false, record: null }
  return new LiveRun<CrashProgress>(initial, async tell => {
    const read = async () => {
      const record = await recordOf(experiment)
      tell({ record })
      return record
    }
    const giveUpAt = performance.now() + leaseMs + PATIENCE_MS
    await read()
    const answers: CrashProgress['answers'] = []
    for (let pauseMs: number | undefined = 0; pauseMs !== undefined; ) {
      await setTimeout(pauseMs)
      tell({ waiting: true })
      let isAnswered = false
      const answer = answered(() => experiment.receive(experiment.delivery)).finally(() => {
        isAnswered = true
      })
      while (!isAnswered) {
        await within(READ_EVERY_MS, answer)
        await read()
      }
      const { status, ms, headers } = await answer
      const seconds = headers.find(([name]) => name === 'retry-after')?.[1]
      answers.push({ status, ms, retry_after: seconds ?? null })
      tell({ waiting: false, answers: [...answers] })
      const isOver = isSettled(await read()) || performance.now() > giveUpAt
      pauseMs = isOver || !/^\d+$/.test(seconds ?? '') ? undefined : Math.min(Number(seconds) * 1_000, MOST_PAUSE_MS)
    }
    if (experiment.configured.inbox === undefined) return
    while (!isSettled(await read()) && performance.now() < giveUpAt) await setTimeout(READ_EVERY_MS / 4)
  })
}

/** Whether it could: the key must be new. */
async function claimAndDie(experiment: Experiment, leaseMs: number): Promise<boolean> {
  const { source: scope, key, configured, delivery, store, receiver } = experiment
  const {
    sender,
    lockTtlMs,
    retentionMs = (sender ? timingOf(sender) : DEFAULT_TIMING).retentionMs,
  } = configured.options
  if ((await receiver.record(scope, key)) !== undefined) return false
  const facts = { scope, key, fingerprint: null, retentionMs }
  if (configured.inbox !== undefined && isInboxStore(store)) {
    const secretHeaders = new Set(sender?.secretHeaders?.map(header => header.toLowerCase()))
    const accepted = await store.accept({
      ...facts,
      acceptId: randomUUID(),
      delivery: await encodeDelivery(delivery, secretHeaders),
      group: configured.inbox.group?.(delivery) ?? null,
      // No worker comes before the process that dies.
      delayMs: lockTtlMs,
    })
    if (accepted.status !== 'accepted') return false
  }
  // What stands before the dot names the process in the history of the record.
  const leaseId = `${randomUUID()}.1`
  const claimed = await store.claim({ ...facts, leaseId, leaseMs, lockTtlMs, maxLosses: MAX_LOSSES })
  // In an inbox an attempt has begun once it is renewed.
  if (configured.inbox !== undefined) await store.renew({ scope, key }, leaseId, leaseMs)
  return claimed.status === 'acquired'
}
