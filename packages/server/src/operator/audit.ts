import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import { peerOf } from '../http/peer.js'
import { requestIdIn } from '../http/request-id.js'
import type { Operators } from './auth/operators.js'

/** A change by an operator, successful or not. Unlike other lines at `info` it names the key. */
export interface Change {
  action:
    | 'delete'
    | 'replay'
    | 'replay_many'
    | 'accept_refused'
    | 'redrive'
    | 'redrive_many'
    | 'test'
    | 'test_tampered'
    | 'test_duplicates'
    | 'test_crash'
    | 'login'
    | 'logout'
  source?: string | undefined
  key?: string | undefined
  outcome: string
  /** The number of records, of a change of many. */
  count?: number
  /** Why it was interrupted. */
  error?: string | undefined
}

export type Audit = (request: IncomingMessage, change: Change) => void

/** Logs one line for each change. */
export function createAudit(log: Logger, mode: Operators['mode']): Audit {
  return (request, change) => {
    const { headers } = request
    const by = mode !== 'token' ? mode : headers.authorization !== undefined ? 'token' : 'session'
    // Behind a proxy the peer is the proxy. Its header can be forged, so it is logged under a name of its own.
    const forwarded = headers['x-forwarded-for']
    log[change.error === undefined ? 'info' : 'error'](
      {
        audit: true,
        requestId: requestIdIn(request),
        ...change,
        peer: peerOf(request),
        by,
        ...(forwarded !== undefined && { forwardedFor: forwarded }),
      },
      'operator',
    )
  }
}
