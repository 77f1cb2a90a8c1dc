import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { storeFaultCases } from './cases/store-faults.js'
import { deliver } from './support/deliver.js'
import { startServer } from './support/server.js'
import { onRedis } from './support/stores.js'
import { until } from './support/until.js'
import { startUpstream } from './support/upstream.js'

onRedis(store => {
  storeFaultCases(store)

  test('at its memory limit Redis refuses new keys, and running attempts are recorded', async () => {
    const upstream = await startUpstream({ takes: ({ key }) => (key === 'running' ? 'held' : 0) })
    const server = await startServer({ ...store.fresh(), HOOKONCE_FORWARD_TO: upstream.url })
    const running = deliver(server, 'running')
    await until('the upstream is called', () => upstream.calls.length === 1)
    await store.ask!('CONFIG', 'SET', 'maxmemory', '1')
    try {
      const refused = await deliver(server, 'new')
      expect([refused.status, refused.json.code]).toEqual([503, 'store_unavailable'])
      upstream.calls[0]!.answer()
      expect((await running).status).toBe(200)
      expect((await deliver(server, 'running')).body).toEqual(upstream.calls[0]!.result)
      expect(upstream.calls).toHaveLength(1)
    } finally {
      await store.ask!('CONFIG', 'SET', 'maxmemory', '0')
    }
    expect((await deliver(server, 'new')).status).toBe(200)
  })

  test('a Redis that may drop records is refused at the start, unless that is allowed', async () => {
    const limits = (policy: string, bytes: string) =>
      store.ask!('CONFIG', 'SET', 'maxmemory-policy', policy, 'maxmemory', bytes)
    await limits('allkeys-lru', '1gb')
    try {
      await expect(startServer(store.fresh())).rejects.toThrow(/maxmemory-policy/)
      await startServer({ ...store.fresh(), HOOKONCE_REDIS_ALLOW_EVICTION: 'true' })
    } finally {
      await limits('noeviction', '0')
    }
  })

  test('a Redis that was emptied is noticed, and said loudly', async () => {
    const server = await startServer(store.fresh())
    await deliver(server, 'k')
    await store.ask!('FLUSHALL')
    await send(`${server.url}/readyz`, { method: 'GET' })
    await until('it is logged', () => server.log.some(({ level, msg }) => level === 'error' && /forgotten/.test(msg)))
  })
})
