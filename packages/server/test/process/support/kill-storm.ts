import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivered, History } from './check-ledger.js'
import { deliver } from './deliver.js'
import type { Random } from './random.js'
import { ServerProcess, type Settings } from './server.js'
import { until } from './until.js'
import type { Upstream } from './upstream.js'

export interface StormOptions {
  kills: number
  /** How many servers share the file: each is killed and started again, in its own rhythm. */
  servers: number
  senders: number
  settings: Settings
  upstream: Upstream
  random: Random
}

interface Slot {
  path: string
  /** While it listens. */
  server: ServerProcess | undefined
}

export interface Storm extends History {
  /** How many kills hit a server that did not listen yet. */
  killedStarting: number
  /** Servers that listen and live. */
  survivors: ServerProcess[]
}

/** Sends one key after the other, each again and again until it is acknowledged or given up, while servers are killed. */
export async function killStorm(options: StormOptions): Promise<Storm> {
  const { upstream, random, settings } = options
  const deliveries: Delivered[] = []
  const kills = new Map<string, number>()
  const slots = Array.from({ length: options.servers }, (): Slot => ({ path: '', server: undefined }))
  let started = 0
  let toKill = options.kills
  let killedStarting = 0
  let killing = slots.length

  const start = (slot: Slot): ServerProcess => {
    slot.path = `/${++started}`
    return new ServerProcess({ ...settings, HOOKONCE_FORWARD_TO: upstream.url + slot.path })
  }

  /** Nothing can be answered between this being seen and the kill: the upstream lives in this process. */
  const works = ({ path }: Slot) => upstream.calls.some(call => call.path === path && call.endedAt === undefined)

  /** Starts and kills the servers of one slot, the first of them while it has a call out; the last one stays. */
  const killer = async (slot: Slot) => {
    let startingMs = 500
    for (let isFirst = true; toKill-- > 0; isFirst = false) {
      const server = start(slot)
      const startedAt = performance.now()
      const whileStarting = !isFirst && random.chance(0.2)
      if (whileStarting) {
        await Promise.race([sleep(random.between(0, startingMs)), server.listening])
        killedStarting++
      } else {
        slot.server = await server.listening
        startingMs = performance.now() - startedAt
        await sleep(random.between(50, 500))
        if (isFirst) await until('the upstream works', () => works(slot))
      }
      kills.set(slot.path, performance.now())
      slot.server = undefined
      await server.kill()
    }
    slot.server = await start(slot).listening
    killing--
  }

  const deliverTo = async ({ path, server }: Slot, key: string): Promise<Delivered> => {
    const delivered: Delivered = { key, path, sentAt: performance.now(), endedAt: undefined, answer: undefined }
    deliveries.push(delivered)
    delivered.answer = await deliver(server!, key).catch(() => undefined)
    delivered.endedAt = performance.now()
    return delivered
  }

  /** An attempt that was killed ten times is given up, which a storm of many kills on a busy machine comes to. */
  const isSettled = ({ answer }: Delivered) => answer?.status === 200 || answer?.json?.code === 'attempts_exhausted'

  /** Some deliveries come twice at once, to two servers where there are two. */
  const sender = async (name: number) => {
    for (let number = 0; killing > 0; number++) {
      const key = `${name}-${number}`
      for (let settled = false; !settled; ) {
        const listening = await until('a server listens', () => {
          const found = slots.filter(({ server }) => server !== undefined)
          return found.length > 0 && found
        })
        const targets = random.chance(0.3) ? [random.pick(listening), random.pick(listening)] : [random.pick(listening)]
        const delivered = await Promise.all(targets.map(slot => deliverTo(slot, key)))
        settled = delivered.some(isSettled)
        if (!settled) await sleep(random.between(10, 100))
      }
    }
  }

  await Promise.all([...slots.map(killer), ...Array.from({ length: options.senders }, (_, name) => sender(name))])
  return {
    calls: upstream.calls,
    deliveries,
    kills,
    killedStarting,
    survivors: slots.map(({ server }) => server!),
  }
}
