import {
  type Backlog,
  type ClaimDueRequest,
  type DueClaim,
  LOST_ERROR,
  MOST_COUNTED,
  type RedriveOptions,
  type RedriveOutcome,
} from '../inbox-store.js'
import type { Connections, Row } from './connections.js'
import { acceptedOf } from './rows.js'
import type { Statements } from './statements.js'

/** Decodes the columns of `claim-due.sql`. */
function dueClaim(scope: string, [key, attempts, token, created, ...rest]: Row): DueClaim {
  return {
    scope,
    key,
    attempt: Number(attempts),
    fencingToken: String(token),
    tookOver: rest[5],
    acceptedAt: Number(created),
    accepted: acceptedOf(rest),
    delivery: rest[4],
  }
}

export function createInbox({ run }: Connections, statements: Statements) {
  return {
    async claimDue(request: ClaimDueRequest, by: number): Promise<DueClaim[]> {
      const { scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, again } = request
      if (again) {
        const leased = await run(statements.listLeased, [scope, leaseId], by)
        if (leased.length > 0) return leased.map(row => dueClaim(scope, row))
      }
      const rows = await run(
        statements.claimDue,
        [scope, limit, leaseId, leaseMs, lockTtlMs, maxLosses, LOST_ERROR],
        by,
      )
      // A record that died has no key.
      return rows.filter(([key]) => key !== null).map(row => dueClaim(scope, row))
    },

    async redrive(scope: string, key: string, options: RedriveOptions, by: number): Promise<RedriveOutcome> {
      const { completed = false, waiting = false } = options
      for (;;) {
        const redriven = await run(statements.redrive, [scope, key, completed], by)
        if (redriven.length > 0) return 'redriven'
        const due = waiting ? await run(statements.makeDue, [scope, key], by) : []
        if (due.length > 0) return 'due'
        const [status] = await run(statements.status, [scope, key], by)
        const [, isAccepted, isSettled, isCompleted, isRunning] = status ?? []
        if (!isAccepted) return 'absent'
        if (!isSettled && (isRunning || !waiting)) return 'busy'
        if (isCompleted && !completed) return 'completed'
      }
    },

    async backlog(scope: string, by: number): Promise<Backlog> {
      const [[inLine, overdueMs, dead] = []] = await run(statements.backlog, [scope, MOST_COUNTED], by)
      return { inLine: Number(inLine), overdueMs: Math.max(0, Number(overdueMs)), dead: Number(dead) }
    },
  }
}
