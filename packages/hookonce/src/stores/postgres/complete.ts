import type { CompleteOutcome, RecordId } from '../store.js'
import { joined } from './byte-arrays.js'
import type { Connection, Connections } from './connections.js'
import { byRequest } from './rows.js'
import type { Statements } from './statements.js'

export interface Completion extends RecordId {
  leaseId: string
  result: Uint8Array
}

export type Completions = ReturnType<typeof createCompletions>

export function createCompletions(connections: Connections, statements: Statements) {
  return {
    /** When each result was recorded; `undefined`: the attempt does not hold the record. */
    async record(
      completions: readonly Completion[],
      by: number,
      { run }: Pick<Connection, 'run'> = connections,
    ): Promise<(number | undefined)[]> {
      const results = joined(completions.map(({ result }) => result))
      const rows = await run(
        statements.complete,
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
      return byRequest(rows, completions.length, row => Number(row[1]))
    },

    /** The outcome of a result that was not recorded: the attempt recorded one before, or it has lost the record. */
    async unrecorded({ scope, key }: RecordId, leaseId: string, by: number): Promise<CompleteOutcome> {
      const [row] = await connections.run(statements.findSettled, [scope, key, leaseId, ['completed']], by)
      return row === undefined ? { status: 'fenced' } : { status: 'completed', completedAt: Number(row[0]) }
    },
  }
}
