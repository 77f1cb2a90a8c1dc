import type { Finding, Header, RecordedAttempt, RecordState, TestedAnswer } from './types'

/** One of a sender's events, to send or to change. */
export interface EventExample {
  event: string
  content_type: string
  headers: Header[]
  body: string
}

/** What is absent is the example's, or new. */
export interface TestEvent {
  event?: string
  body?: string
  key?: string
}

export interface Tampered {
  answer: TestedAnswer
  findings: Finding[]
  /** The id of the refused delivery; `null`: it is not kept. */
  refused: string | null
}

/** What became of an event that is watched. */
interface WatchedEvent {
  key: string
  /** `null`: there is none yet. */
  record: { state: RecordState; lease_remaining_ms: number; history: RecordedAttempt[] } | null
  done: boolean
  /** Why it was broken off. */
  error?: string
}

export interface DuplicatesProgress extends WatchedEvent {
  sent: number
  /** Not answered yet. */
  waiting: number
  outcomes: Record<string, number>
  statuses: Record<string, number>
}

export interface CrashProgress extends WatchedEvent {
  lease_ms: number
  /** Of the deliveries after the crash. */
  answers: { status: number; ms: number; retry_after: string | null }[]
  /** One more delivery is not answered yet. */
  waiting: boolean
}
