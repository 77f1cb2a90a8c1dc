import { type InboxStore, systemClock } from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { beforeEach, describe, expect, test } from 'vitest'

const id = { scope: 's', key: 'k' }
const durations = { leaseMs: 1_000, lockTtlMs: 5_000, maxLosses: 10 }
const request = { ...id, ...durations, fingerprint: null, retentionMs: 60_000 }

const START = 1_700_000_000_000
let time: number
let store: InboxStore
beforeEach(() => {
  time = START
  store = memoryStore({ clock: { ...systemClock, now: () => time, monotonic: () => time - START } })
})

const claim = async (leaseId: string) => (await store.claim({ ...request, leaseId })).status
const take = async (leaseId: string) => (await store.claimDue({ scope: 's', limit: 1, ...durations, leaseId })).length

const begin: Record<string, () => Promise<unknown>> = {
  claim: () => claim('ann'),
  claimDue: async () => {
    const delivery = new Uint8Array()
    await store.accept({ ...request, acceptId: 'a', delivery, delayMs: 0, group: null })
    return take('ann')
  },
}

describe.each(Object.keys(begin))('a lease by %s', how => {
  beforeEach(() => begin[how]!())

  /** Live one millisecond before, over at the very end. */
  async function endsAfter(ms: number): Promise<void> {
    time = START + ms - 1
    expect([await claim('ben'), await take('ben'), await store.delete(id)]).toEqual(['running', 0, 'running'])
    expect((await store.get(id))!.leaseRemainingMs).toBe(1)
    time++
    expect(await store.renew(id, 'ann', 1_000)).toBe('lost')
    expect((await store.get(id))!.leaseRemainingMs).toBe(0)
    expect(how === 'claim' ? await claim('ben') : await take('ben')).toBe(how === 'claim' ? 'acquired' : 1)
  }

  test('ends after its length', () => endsAfter(1_000))

  test('is renewed to its length from then on', async () => {
    time += 999
    expect(await store.renew(id, 'ann', 1_000)).toBe('renewed')
    await endsAfter(1_999)
  })

  test('is renewed to its lock TTL at most', async () => {
    time += 10
    expect(await store.renew(id, 'ann', 9_000)).toBe('renewed')
    await endsAfter(5_000)
  })
})
