import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { type RedisSentinels, startRedisSentinels } from '../../../../../scripts/test-servers/redis-sentinel.js'
import { startScriptedSentinel } from './scripted-sentinel.js'
import { eventually, insist, open, request, server } from './support.js'

async function sentinels(): Promise<RedisSentinels> {
  const started = await startRedisSentinels()
  onTestFinished(started.stop)
  return started
}

const failures = {
  'is killed': (setup: RedisSentinels) => setup.master.kill(),
  hangs: async (setup: RedisSentinels) => setup.master.pause(),
}

test.for(Object.entries(failures))(
  'when the master %s the replica is promoted, with all records that had reached it',
  async ([, failure]) => {
    const setup = await sentinels()
    const { name } = setup
    const own = open({ sentinels: setup.sentinels, name }, { commandTimeoutMs: 500 })
    // Without these a client waits for a master that hangs until that comes back.
    const client = new Redis({ sentinels: setup.sentinels, name, failoverDetector: true, socketTimeout: 1_000 })
    client.on('error', () => {})
    let finished = false
    client.on('end', () => finished || client.connect().catch(() => {}))
    onTestFinished(() => {
      finished = true
      client.disconnect()
    })
    const given = open(client, { commandTimeoutMs: 500 })
    await insist(() => own.ready())
    expect(await insist(() => own.durability())).toContain('a failover may lose the last writes')

    const confirm = new Redis(setup.master.url)
    confirm.on('error', () => {})
    onTestFinished(() => confirm.disconnect())
    const acknowledged = new Set<string>()
    const replicated = new Set<string>()
    const refused = new Set<string>()
    let running = true
    onTestFinished(() => {
      running = false
    })
    const work = [own, given].map(async (store, worker) => {
      for (let i = 0; running; i++) {
        const key = `key ${worker} ${i}`
        await store
          .claim(request(key))
          .then(() => store.complete(request(key), `lease of ${key}`, Buffer.from(key)))
          .then(
            ({ status }) => status === 'completed' && acknowledged.add(key),
            () => {
              refused.add(key)
              // What is refused at once is not asked for without end.
              return new Promise(resolve => setTimeout(resolve, 1))
            },
          )
      }
    })
    await eventually('some work', () => acknowledged.size > 500)
    // What was acknowledged before WAIT was asked, and is confirmed by it, has reached the replica.
    const before = [...acknowledged]
    expect(await confirm.wait(1, 5_000)).toBe(1)
    for (const key of before) replicated.add(key)

    await failure(setup)
    const acknowledgedThen = acknowledged.size
    await eventually('work after the failover', async () => {
      const role = await setup.replica.ask('ROLE').catch(() => '')
      return role.includes('master') && acknowledged.size > acknowledgedThen + 200
    })
    running = false
    await Promise.all(work)

    expect(refused.size).toBeGreaterThan(0)
    for (const key of replicated) {
      expect(await insist(() => own.claim(request(key, { leaseId: 'another' })))).toMatchObject({
        status: 'completed',
        result: Buffer.from(key),
      })
    }
    const tokens = [await insist(() => given.claim(request('new'))), await insist(() => own.claim(request('new')))]
    expect(tokens[0]).toEqual(tokens[1])
  },
)

test('a failover during the lookup of the master does not end the client', async () => {
  const redis = await server()
  const sentinel = await startScriptedSentinel(redis.port)
  const store = open({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'mymaster' })
  await insist(() => store.ready())
  await eventually('it listens for failovers', () => sentinel.subscribers.size > 0)

  const tell = sentinel.hold()
  await redis.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await eventually('the master is looked for', () => sentinel.asking() > 0)
  sentinel.announceFailover()
  await eventually('the failover is heard of', () => sentinel.subscribers.size === 0)
  tell()
  expect(await insist(() => store.claim(request('one')))).toMatchObject({ status: 'acquired' })
})
