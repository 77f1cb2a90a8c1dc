import assert from 'node:assert/strict'
import type {
  AcceptOutcome,
  AcceptRequest,
  ClaimDueRequest,
  DueClaim,
  FailNext,
  InboxStore,
  RedriveOptions,
} from '../../../stores/inbox-store.js'
import type { StoredRecord } from '../../../stores/store.js'
import { type Bench, behaviour, type StoreCase } from '../harness.js'
import { ANN, DAN, HOUR, ONE, type Probe, waitFor } from '../probe.js'

export const inboxCase = (name: string, check: (bench: Bench) => Promise<void>): StoreCase =>
  behaviour(name, check, 'inbox')

/** For stores that order the records of a group. */
export const groupCase = (name: string, check: (bench: Bench) => Promise<void>): StoreCase =>
  behaviour(name, check, 'groups')

export const storeOf = (probe: Probe): InboxStore => probe.store as InboxStore

/** Accepts the probe's record. Default: in no group, due immediately. */
export function accept(probe: Probe, request: Partial<AcceptRequest> = {}): Promise<AcceptOutcome> {
  return storeOf(probe).accept({
    ...probe.id,
    fingerprint: null,
    acceptId: DAN,
    delivery: Buffer.from('delivery'),
    retentionMs: HOUR,
    delayMs: 0,
    group: null,
    ...request,
  })
}

export function take(probe: Probe, leaseId: string, request: Partial<ClaimDueRequest> = {}): Promise<DueClaim[]> {
  const { scope } = probe.id
  return storeOf(probe).claimDue({
    scope,
    limit: 10,
    leaseId,
    leaseMs: HOUR,
    lockTtlMs: HOUR,
    maxLosses: 10,
    ...request,
  })
}

export async function takeOne(probe: Probe, leaseId: string, request?: Partial<ClaimDueRequest>): Promise<DueClaim> {
  const claims = await take(probe, leaseId, request)
  assert.deepEqual(
    claims.map(({ key }) => key),
    [probe.id.key],
  )
  return claims[0]!
}

export const fail = (probe: Probe, leaseId: string, next?: FailNext) =>
  storeOf(probe).fail(probe.id, leaseId, 'it broke', next)

export const redrive = (probe: Probe, options?: RedriveOptions) => storeOf(probe).redrive(probe.id, options)

/** Claims the record, begins, and lets the lease end. */
export async function lose(probe: Probe, leaseId: string): Promise<DueClaim> {
  const claim = await takeOne(probe, leaseId)
  assert.equal(await probe.renew(leaseId, 1), 'renewed')
  await leaseOver(probe)
  return claim
}

/** Claims the record and lets the lease end before it begins. */
export async function abandon(probe: Probe, leaseId: string): Promise<DueClaim> {
  const claim = await takeOne(probe, leaseId, { leaseMs: 1 })
  await leaseOver(probe)
  return claim
}

const leaseOver = (probe: Probe) =>
  waitFor('the lease to end', async () => (await probe.record()).leaseRemainingMs === 0)

export const keysOf = (claims: { key: string }[]) => claims.map(({ key }) => key).sort()

/** Ways to bring an accepted record into a state. */
export const bring: Record<StoredRecord['state'], (probe: Probe) => Promise<unknown>> = {
  pending: async probe => accept(probe, { fingerprint: ONE, delayMs: HOUR }),
  running: async probe => {
    await accept(probe, { fingerprint: ONE })
    await takeOne(probe, ANN)
  },
  completed: async probe => {
    await bring.running(probe)
    await probe.completed(ANN)
  },
  failed: async probe => {
    await bring.running(probe)
    await fail(probe, ANN, { dueInMs: HOUR })
  },
  dead: async probe => {
    await bring.running(probe)
    await fail(probe, ANN, 'dead')
  },
}
export const states = Object.keys(bring) as StoredRecord['state'][]
