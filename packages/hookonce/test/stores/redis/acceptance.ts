import type { AcceptRequest, DueClaim, InboxStore } from 'hookonce'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { HOUR, open, server } from './support.js'

export const AGENDA = 'hookonce:{inbox}:queue:4:test:agenda'
export const LOG = 'hookonce:{inbox}:queue:4:test:log'

export const acceptance = (key: string, changes: Partial<AcceptRequest> = {}): AcceptRequest => ({
  ...{ scope: 'test', key, fingerprint: null, acceptId: `acceptance of ${key}` },
  ...{ delivery: Buffer.from(`delivery of ${key}`), retentionMs: HOUR, delayMs: 0, group: null },
  ...changes,
})

export const take = (store: InboxStore, leaseId: string, changes = {}): Promise<DueClaim[]> =>
  store.claimDue({ scope: 'test', limit: 10, leaseId, leaseMs: HOUR, lockTtlMs: HOUR, maxLosses: 10, ...changes })

export const keysOf = (records: { key: string }[]) => records.map(({ key }) => key)

/** A store, and a way to its keys that goes past it. */
export async function opened() {
  const redis = await server()
  const client = new Redis(redis.url)
  onTestFinished(() => client.disconnect())
  const nameOf = async (key: string) => (await client.keys(`*}:4:test${key}`))[0]!
  /** Of what was read in the log already. */
  const memberOf = async (key: string) => (await client.zrange(AGENDA, '0', '-1')).find(name => name.endsWith(key))!
  return { redis, client, store: open(client), nameOf, memberOf }
}
