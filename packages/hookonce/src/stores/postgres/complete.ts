import type { CompleteOutcome, RecordId } from '../store.js'
import { joined } from './byte-arrays.js'
import type { Connection, Connections } from './connections.js'
import type { Statements } from './statements.js'

/** A result on its way to its record. */
export interface Completion extends RecordId {
  leaseId: string
  result: Uint8Array
}

export type Completing = ReturnType<typeof createCompleting>

export function createCompleting(connections: Connections, statements: Statements) {
  const { settled, complete } = statements

  return {
    /** When each was recorded; `undefined`: it was not, now. */
    async record(
      completions: readonly Completion[],
      by: number,
      { run }: Pick<Connection, 'run'> = connections,
    ): Promise<(number | undefined)[]> {
      const results = joined(completions.map(({ result }) => result))
      const rows = await run(
        complete,
        [
          completions.map(({ scope }) => scope),
          completions.map(({ key }) => key),
          completions.map(({ leaseId }) => leaseId),
          results.starts,
          results.lengths,
          results.bytes,
        ],
        by,
      )
      const times: (number | undefined)[] = new Array(completions.length).fill(undefined)
      for (const [n, settledAt] of rows) times[Number(n) - 1] = Number(settledAt)
      return times
    },

    /** What a result that was not recorded now means: the attempt recorded one before, or lost the record. */
    async before({ scope, key }: RecordId, leaseId: string, by: number): Promise<CompleteOutcome> {
      const [row] = await connections.run(settled, [scope, key, leaseId, ['completed']], by)
      return row === undefined ? { status: 'fenced' } : { status: 'completed', completedAt: Number(row[0]) }
    },
  }
}
