import { setImmediate as nextTick, setTimeout as pause } from 'node:timers/promises'
import { StoreError } from '../../../errors.js'
import type { CompleteOutcome } from '../../store.js'
import { loadDriver } from '../database/driver.js'
import { type Transaction, WorkFailure } from '../database/effects.js'
import { toFailure, toStoreError } from '../database/errors.js'
import { lockedFor } from '../database/transaction.js'
import { endHandover, nextHandover } from '../lock-handover.js'
import type { WorkerSettings } from '../messages.js'
import { type Effects, openEffects } from './effects-connection.js'

/**
 * Waiting transactions share a handover for this long, while the worker's writes wait. One transaction per handover
 * halves their rate; 10 ms gain none, and cost claims a third.
 */
const HANDOVER_MS = 3

interface Waiting extends Transaction {
  since: number
  resolve(outcome: CompleteOutcome): void
  reject(error: unknown): void
}

/** Runs transactions one after the other during handovers, and waits for no lock on this thread. */
export function createTransactor(settings: WorkerSettings, requestHandover: (handover: number) => Promise<void>) {
  const { path, busyTimeoutMs, handovers } = settings
  const queue: Waiting[] = []
  let effects: Effects | undefined
  let running: Promise<void> | undefined
  let isWorking = false

  async function run(): Promise<void> {
    while (queue.length > 0) {
      try {
        await requestHandover(nextHandover(handovers))
        await runHandover()
      } catch (error) {
        // However the worker ended, nothing was written here.
        for (const { reject } of queue.splice(0)) reject(new StoreError((error as Error).message, 'refused'))
      } finally {
        endHandover(handovers)
      }
    }
    running = undefined
  }

  async function runHandover(): Promise<void> {
    const endsAt = performance.now() + HANDOVER_MS
    while (queue.length > 0) {
      const transaction = queue.shift()!
      await outcomeOf(transaction).then(transaction.resolve, transaction.reject)
      if (performance.now() >= endsAt) return
      if (queue.length > 0) await nextTick()
    }
  }

  async function outcomeOf(transaction: Waiting): Promise<CompleteOutcome> {
    try {
      const connection = connected()
      for (;;) {
        isWorking = true
        const outcome = connection.transact(transaction)
        if (outcome !== undefined) return outcome
        isWorking = false
        if (performance.now() >= transaction.since + busyTimeoutMs) throw lockedFor(busyTimeoutMs)
        await pause(1 + 2 * Math.random())
      }
    } catch (error) {
      throw error instanceof WorkFailure ? error.reason : toError(error)
    } finally {
      isWorking = false
    }
  }

  function connected(): Effects {
    if (effects !== undefined && !effects.isInPlace()) disconnect()
    effects ??= openEffects(loadDriver(settings.driver), settings)
    return effects
  }

  function disconnect(): void {
    effects?.close()
    effects = undefined
  }

  const toError = (error: unknown) => toStoreError(toFailure(error), path)

  return {
    transact(transaction: Transaction): Promise<CompleteOutcome> {
      return new Promise((resolve, reject) => {
        if (isWorking) {
          reject(toError(new StoreError('a transaction within the work of another', 'refused')))
          return
        }
        queue.push({ ...transaction, since: performance.now(), resolve, reject })
        running ??= run()
      })
    },

    /** Finishes the waiting transactions, then closes the connection. */
    async close(): Promise<void> {
      await running
      disconnect()
    },
  }
}
