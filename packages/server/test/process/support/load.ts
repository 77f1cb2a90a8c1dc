import { setTimeout as sleep } from 'node:timers/promises'
import { deliver } from './deliver.js'
import type { ServerProcess } from './server.js'
import { onCleanup } from './until.js'

export interface Load {
  /** What was acknowledged: when, by `performance.now()`, and what was answered. */
  readonly acknowledged: ReadonlyMap<string, { at: number; body: Buffer }>
  /** Sends nothing new; resolves when what was sent is acknowledged. */
  stop(): Promise<void>
}

/** Senders that deliver one event after the other to each server, each again until it is acknowledged. */
export function startLoad(servers: ServerProcess[], name: string, sendersEach: number): Load {
  const acknowledged = new Map<string, { at: number; body: Buffer }>()
  let going = true
  let patient = true
  onCleanup(() => {
    going = false
    patient = false
  })

  async function send(server: ServerProcess, key: string): Promise<void> {
    while (patient) {
      const answer = await deliver(server, key).catch(() => undefined)
      if (answer !== undefined && answer.status < 300) {
        acknowledged.set(key, { at: performance.now(), body: answer.body })
        return
      }
      await sleep(20)
    }
  }

  const senders = servers.flatMap((server, at) =>
    Array.from({ length: sendersEach }, async (_, sender) => {
      for (let number = 0; going; number++) await send(server, `${name}-${at}-${sender}-${number}`)
    }),
  )
  return {
    acknowledged,
    async stop() {
      going = false
      await Promise.all(senders)
    },
  }
}
