import assert from 'node:assert/strict'
import type { InboxStore } from '../../stores/inbox-store.js'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, BEN, DAN, HOUR, type Probe } from './probe.js'

const storeOf = (probe: Probe): InboxStore => probe.store as InboxStore

const accept = (probe: Probe, key: string, { delayMs = 0, group = null as string | null } = {}) =>
  storeOf(probe).accept({
    ...{ ...probe.id, key, fingerprint: null, acceptId: DAN },
    ...{ delivery: Buffer.from('delivery'), retentionMs: HOUR, delayMs, group },
  })

async function take(probe: Probe, leaseId: string, limit: number) {
  const { scope } = probe.id
  return storeOf(probe).claimDue({ scope, limit, leaseId, leaseMs: HOUR, lockTtlMs: HOUR, maxLosses: 10 })
}

/** {@link InboxStore.backlog}. */
export const backlogCases: readonly StoreCase[] = [
  behaviour(
    'backlog: what is pending, failed or running is in line, what is settled is not',
    async ({ probe }) => {
      const backlog = () => storeOf(probe).backlog(probe.id.scope)
      assert.deepEqual(await backlog(), { inLine: 0, overdueMs: 0, dead: 0 })

      for (const key of ['completed', 'dead', 'failed']) await accept(probe, key)
      assert.equal((await backlog()).inLine, 3)
      await probe.timePasses()
      assert.ok((await backlog()).overdueMs >= 1, 'they have been due for some time')

      assert.equal((await take(probe, ANN, 3)).length, 3)
      assert.deepEqual(await backlog(), { inLine: 3, overdueMs: 0, dead: 0 })
      await probe.of({ key: 'completed' }).completed(ANN)
      const { scope } = probe.id
      await storeOf(probe).fail({ scope, key: 'dead' }, ANN, 'it broke', 'dead')
      await storeOf(probe).fail({ scope, key: 'failed' }, ANN, 'it broke', { dueInMs: HOUR })
      // Due before the settled records.
      await accept(probe, 'pending', { delayMs: HOUR / 2 })
      assert.deepEqual(await backlog(), { inLine: 2, overdueMs: 0, dead: 1 })
    },
    'inbox',
  ),

  behaviour(
    'backlog: each scope has its own, and what was only claimed is in none',
    async ({ probe }) => {
      await probe.acquire(BEN)
      await accept(probe.of({ scope: `${probe.id.scope}-other` }), 'elsewhere')
      assert.deepEqual(await storeOf(probe).backlog(probe.id.scope), { inLine: 0, overdueMs: 0, dead: 0 })
    },
    'inbox',
  ),
]
