import type { AttemptOutcome, RecordedAttempt, RecordSummary } from './store.js'

/*
 * What a record keeps of its attempts. The facts of the last one are the record's own, so that a first attempt writes nothing
 * more. When another follows, or a new round begins, they become one line of text beside those of the attempts before.
 */

/** The most attempts that a record tells of. */
export const MAX_HISTORY = 10

/** What a store reads of a record for its history. */
export type LastAttempt = Pick<
  RecordSummary,
  'state' | 'attempts' | 'leaseId' | 'fencingToken' | 'claimedAt' | 'settledAt'
> & {
  /** What `fail` was told; `null`: by a version that was not told. */
  outcome: AttemptOutcome | null
}

/**
 * The last attempt of a record, with its end. `now`: the record moves on, so that one which still runs is lost. A pending
 * record has none: it is new, or its attempts are of earlier rounds.
 */
export function lastAttempt(record: LastAttempt, now?: number): RecordedAttempt[] {
  const { state, attempts, leaseId, fencingToken, claimedAt, settledAt, outcome } = record
  if (state === 'pending') return []
  const endedAt = settledAt ?? now
  const runs = now === undefined ? 'running' : 'lost'
  return [
    {
      number: attempts,
      fencingToken,
      process: processOf(leaseId),
      beganAt: claimedAt,
      // The store's clock may have stepped back.
      tookMs: endedAt === undefined ? null : Math.max(0, endedAt - claimedAt),
      outcome: state === 'running' ? runs : state === 'completed' ? 'recorded' : (outcome ?? 'failed'),
    },
  ]
}

/** The lines of earlier attempts and of the last one, as far as they are kept. */
export const withLast = (lines: readonly string[], record: LastAttempt, now: number): string[] =>
  [...lines, ...lastAttempt(record, now).map(lineOf)].slice(1 - MAX_HISTORY)

/** All that is known of a record's attempts, oldest first. */
export const historyOf = (lines: readonly string[], record: LastAttempt): RecordedAttempt[] => [
  ...lines.map(attemptOf),
  ...lastAttempt(record),
]

/** A lease id begins with the name of the process that made it: see `newLeaseId`. */
export const processOf = (leaseId: string): string => leaseId.split('.', 1)[0]!.slice(0, PROCESS_LENGTH)

const PROCESS_LENGTH = 8

/** `3 1732960000000123 Kx3fQa9_ 1732960000000 345 503` */
const lineOf = ({ number, fencingToken, process, beganAt, tookMs, outcome }: RecordedAttempt): string =>
  `${number} ${fencingToken} ${process} ${beganAt} ${tookMs} ${outcome}`

function attemptOf(line: string): RecordedAttempt {
  const [number, fencingToken = '', process = '', beganAt, tookMs, outcome = ''] = line.split(' ')
  return {
    number: Number(number),
    fencingToken,
    process,
    beganAt: Number(beganAt),
    tookMs: Number(tookMs),
    outcome: outcomeOf(outcome),
  }
}

/** An outcome as a store keeps it in text. */
export const outcomeOf = (text: string): AttemptOutcome =>
  /^\d+$/.test(text) ? Number(text) : (text as Exclude<AttemptOutcome, number>)
