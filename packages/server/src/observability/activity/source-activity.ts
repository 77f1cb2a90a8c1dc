import type { AttemptEndKind, DeliveryOutcome } from 'hookonce'
import { RingBuffer } from './ring-buffer.js'

/** A delivery with its answer. */
export interface AnsweredDelivery {
  at: string
  source: string
  /** `null`: it has none, or was refused before it was read. */
  key: string | null
  request_id: string | null
  outcome: DeliveryOutcome
  status: number
  ms: number
}

/** An attempt that ended. */
export interface EndedAttempt {
  at: string
  key: string | null
  attempt: number
  end: AttemptEndKind
  ms: number
}

const RECENT = 20

const SUCCESSES = new Set<DeliveryOutcome>(['executed', 'replayed', 'joined', 'accepted', 'handshake'])

/** Whether a delivery was refused or failed. */
export const isProblem = ({ outcome }: { outcome: DeliveryOutcome }): boolean => !SUCCESSES.has(outcome)

/** What is told of an answer; without a duration by the server alone. */
export interface Told {
  key?: string | null
  requestId?: string | null
  outcome: DeliveryOutcome
  status: number
  durationMs?: number
}

export interface Answered extends Required<Told> {
  /** Ms since the epoch. */
  at: number
  source: string
}

interface Ended extends Omit<EndedAttempt, 'at' | 'ms'> {
  /** Ms since the epoch. */
  at: number
  durationMs: number
}

/** The last deliveries and attempts of one source. */
export class SourceActivity {
  readonly name: string
  readonly recent = new RingBuffer<Answered>(RECENT)
  readonly problems = new RingBuffer<Answered>(RECENT)
  readonly attempts = new RingBuffer<Ended>(RECENT)

  constructor(name: string) {
    this.name = name
  }

  add(answered: Answered): void {
    this.recent.add(answered)
    if (isProblem(answered)) this.problems.add(answered)
  }
}

const timed = <T extends { at: number; durationMs: number }>({ at, durationMs, ...rest }: T) => ({
  at: new Date(at).toISOString(),
  ...rest,
  ms: Number(durationMs.toFixed(3)),
})

export const describeDelivery = ({ requestId, ...answered }: Answered): AnsweredDelivery => {
  const { at, source, key, ...rest } = timed(answered)
  return { at, source, key, request_id: requestId, ...rest }
}

export const describeAttempt: (ended: Ended) => EndedAttempt = timed
