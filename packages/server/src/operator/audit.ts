import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { Operators } from './auth/operators.js'
import { peerOf } from './auth/origin.js'

/** What an operator changed, or tried to. Unlike other lines at `info` these name keys. */
export interface Change {
  action: 'delete' | 'redrive' | 'redrive_many' | 'test' | 'login' | 'logout'
  source?: string | undefined
  key?: string | undefined
  outcome: string
  /** How many records, of a change of many. */
  count?: number
  /** Why it was broken off. */
  error?: string | undefined
}

export type Audit = (request: IncomingMessage, change: Change) => void

/** One line for each change: what, of what, by whom, and what came of it. */
export function createAudit(log: Logger, mode: Operators['mode']): Audit {
  return (request, change) => {
    const { headers } = request
    const by = mode !== 'token' ? mode : headers.authorization !== undefined ? 'token' : 'session'
    // Behind a proxy everybody comes from its address; what it says of them may be made up, so it is named as such.
    const forwarded = headers['x-forwarded-for']
    log[change.error === undefined ? 'info' : 'error'](
      {
        audit: true,
        ...change,
        peer: peerOf(request),
        by,
        ...(forwarded !== undefined && { forwardedFor: forwarded }),
      },
      'operator',
    )
  }
}
