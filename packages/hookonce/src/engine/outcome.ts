import type { AttemptEnd } from './attempt-end.js'

/** How one request for a key ended. */
export type Outcome<T> =
  /** This request's own work ran and its result is recorded. */
  | { kind: 'executed'; value: T }
  /** The recorded result: `joined` if it was waited for in the process that made it. */
  | { kind: 'replayed'; joined: boolean; result: Uint8Array; completedAt: number }
  /** The work ran and its result was not to be recorded (`value`), or it threw (`error`). */
  | { kind: 'given_back'; joined: boolean; value: T }
  | { kind: 'threw'; joined: boolean; error: unknown }
  | { kind: 'in_progress' }
  | { kind: 'mismatch' }
  | { kind: 'attempts_exhausted'; losses: number }
  /** An attempt elsewhere failed; a retry can succeed. */
  | { kind: 'attempt_failed' }
  | { kind: 'attempt_lost' }
  | { kind: 'attempt_timeout' }
  | { kind: 'store_unavailable' }

/** What an attempt's end means for the request that ran it and for those that joined it. */
export function outcomesOf<T>(ended: AttemptEnd<T>): [own: Outcome<T>, others: Outcome<T>] {
  switch (ended.end) {
    case 'recorded': {
      const { value, result, completedAt } = ended
      return [
        { kind: 'executed', value },
        { kind: 'replayed', joined: true, result, completedAt },
      ]
    }
    case 'given_back':
      return both<T>(joined => ({ kind: 'given_back', joined, value: ended.value }))
    case 'threw':
      return both<T>(joined => ({ kind: 'threw', joined, error: ended.error }))
    case 'fenced':
      return both<T>(() => ({ kind: 'attempt_failed' }))
    case 'lost':
      return both<T>(() => ({ kind: ended.reason === 'lock_ttl' ? 'attempt_timeout' : 'attempt_lost' }))
    case 'unreachable':
      return both<T>(() => ({ kind: 'store_unavailable' }))
  }
}

const both = <T>(outcome: (joined: boolean) => Outcome<T>): [Outcome<T>, Outcome<T>] => [outcome(false), outcome(true)]
