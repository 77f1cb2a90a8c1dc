import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { type RedisServer, startRedis, startRedisProcess } from './redis.js'
import { untilRedisSays } from './redis-ask.js'

export interface RedisSentinels {
  /** The master's name, as the Sentinels have it. */
  readonly name: string
  readonly sentinels: { host: string; port: number }[]
  /** The master, and what becomes it when that fails. */
  readonly master: RedisServer
  readonly replica: RedisServer
  stop(): Promise<void>
}

/**
 * A master, a replica in step with it, and three Sentinels that fail over after `downAfterMs`, to a replica that was cut
 * off for ten times as long at most. @throws {ToolMissingError}
 */
export async function startRedisSentinels({ downAfterMs = 500 } = {}): Promise<RedisSentinels> {
  const name = 'mymaster'
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-sentinel-'))
  const settings = { 'repl-diskless-sync-delay': '0' }
  const master = await startRedis({ settings })
  const replica = await startRedis({ settings: { ...settings, replicaof: `127.0.0.1 ${master.port}` } })
  await untilRedisSays(replica.port, /master_link_status:up/, 'INFO', 'replication')

  const watchers = await Promise.all(
    [1, 2, 3].map(async number => {
      const port = await freePort()
      const file = join(folder, `${number}.conf`)
      const lines = [
        'bind 127.0.0.1',
        `port ${port}`,
        `dir ${folder}`,
        `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
        `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
        `sentinel failover-timeout ${name} 3000`,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return startRedisProcess([file, '--sentinel'], port)
    }),
  )
  // Each has to know the others and the replica, or none could fail over.
  const informed = /num-slaves\r\n\$1\r\n1\r\n[\s\S]*num-other-sentinels\r\n\$1\r\n2\r\n/
  for (const { port } of watchers) await untilRedisSays(port, informed, 'SENTINEL', 'MASTER', name)

  return {
    name,
    sentinels: watchers.map(({ port }) => ({ host: '127.0.0.1', port })),
    master,
    replica,
    async stop() {
      await Promise.all(watchers.map(watcher => watcher.kill()))
      await Promise.all([master.stop(), replica.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
