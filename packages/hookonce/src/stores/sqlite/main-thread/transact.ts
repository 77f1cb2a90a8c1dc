import { setImmediate as breath, setTimeout as pause } from 'node:timers/promises'
import { StoreError } from '../../../errors.js'
import type { CompleteOutcome } from '../../store.js'
import { loadDriver } from '../database/driver.js'
import { toFailure, toStoreError } from '../database/errors.js'
import { lockedFor } from '../database/transaction.js'
import { endTurn, nextTurn } from '../lock-handover.js'
import type { WorkerSettings } from '../messages.js'
import { type Effects, openEffects, type Transaction, WorkFailure } from './effects-connection.js'

/**
 * Those that wait share a turn for this long; the worker's writes wait meanwhile. Measured, 16 transactions and 64
 * claims in flight: with one a turn 700 transactions and 23,000 claims and completions per second, with 3 ms 1,200 to
 * 1,900 and 8,000, with 10 ms 1,100 to 2,000 and 5,000 to 8,000.
 */
const TURN_MS = 3

interface Asked extends Transaction {
  since: number
  resolve(outcome: CompleteOutcome): void
  reject(error: unknown): void
}

/** Runs one transaction after the other, in turns with the worker, without waiting on this thread for any lock. */
export function createTransacting(settings: WorkerSettings, askForTurn: (turn: number) => Promise<void>) {
  const { path, busyTimeoutMs, turns } = settings
  const waiting: Asked[] = []
  let effects: Effects | undefined
  let takingTurns: Promise<void> | undefined
  let isWorking = false

  async function takeTurns(): Promise<void> {
    while (waiting.length > 0) {
      try {
        await askForTurn(nextTurn(turns))
        await takeTurn()
      } catch (error) {
        // Whatever became of the worker, nothing was written here.
        for (const { reject } of waiting.splice(0)) reject(new StoreError((error as Error).message, 'refused'))
      } finally {
        endTurn(turns)
      }
    }
    takingTurns = undefined
  }

  async function takeTurn(): Promise<void> {
    const endsAt = performance.now() + TURN_MS
    while (waiting.length > 0) {
      const asked = waiting.shift()!
      await outcomeOf(asked).then(asked.resolve, asked.reject)
      if (performance.now() >= endsAt) return
      if (waiting.length > 0) await breath()
    }
  }

  async function outcomeOf(asked: Asked): Promise<CompleteOutcome> {
    try {
      const connection = await connected()
      for (;;) {
        isWorking = true
        const outcome = connection.transact(asked)
        if (outcome !== undefined) return outcome
        isWorking = false
        if (performance.now() >= asked.since + busyTimeoutMs) throw lockedFor(busyTimeoutMs)
        await pause(1 + 2 * Math.random())
      }
    } catch (error) {
      throw error instanceof WorkFailure ? error.reason : failed(error)
    } finally {
      isWorking = false
    }
  }

  async function connected(): Promise<Effects> {
    const driver = await loadDriver()
    if (effects !== undefined && !effects.isInPlace()) disconnect()
    effects ??= openEffects(driver, settings)
    return effects
  }

  function disconnect(): void {
    effects?.close()
    effects = undefined
  }

  const failed = (error: unknown) => toStoreError(toFailure(error, path))

  return {
    transact(transaction: Transaction): Promise<CompleteOutcome> {
      return new Promise((resolve, reject) => {
        if (isWorking) {
          reject(failed(new StoreError('a transaction within the work of another', 'refused')))
          return
        }
        waiting.push({ ...transaction, since: performance.now(), resolve, reject })
        takingTurns ??= takeTurns()
      })
    },

    /** Finishes what was asked, then lets go of the file. */
    async close(): Promise<void> {
      await takingTurns
      disconnect()
    },
  }
}
