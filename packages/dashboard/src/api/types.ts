/** What the operator API answers with. */

export type RecordState = 'pending' | 'running' | 'completed' | 'failed' | 'dead'

export type Header = [name: string, value: string]

export interface Session {
  access: 'token' | 'local' | 'open' | 'closed'
  logged_in: boolean
}

export interface Body {
  /** `null`: not recorded, or not shown. */
  body: string | null
  body_encoding: 'utf8' | 'base64'
}

export interface Response extends Body {
  status: number
  headers: Header[]
  body_omitted: boolean
}

export interface Delivery extends Body {
  method: string
  url: string
  headers: Header[]
}

export interface RecordSummary {
  source: string
  key: string
  /** What its sender calls it in a header that is not signed. */
  label: string | null
  state: RecordState
  attempts: number
  losses: number
  created_at: string
  claimed_at: string | null
  settled_at: string | null
  expires_at: string | null
  last_error: string | null
  /** Absent: the list was not read from the index of events. */
  event_type?: string | null
  lease_remaining_ms: number
  /** Of what an inbox accepted. */
  inbox?: { due_at: string | null; group: string | null; round: number }
}

/** One attempt in the history of a record. */
export interface RecordedAttempt {
  number: number
  process: string
  began_at: string
  /** `null`: it runs. */
  took_ms: number | null
  /** A number: the status that was answered and not recorded. */
  outcome: string | number
}

export interface FullRecord extends RecordSummary {
  history: RecordedAttempt[]
  fingerprint: string | null
  fencing_token: string
  /** Of all processes. */
  /** The last answer that failed an attempt. */
  failed_answer?: Body & { attempt: number; at: string; status: number; bytes: number }
  /** Absent: not known. */
  duplicates?: { count: number; first_at: string | null; last_at: string | null; at_least: boolean }
  response?: Response
  delivery?: Delivery
}

export interface RecordPage {
  records: RecordSummary[]
  next?: string
}

/** One of `GET /webhook/events`. */
export interface AcceptedEvent {
  source: string
  key: string
  state: RecordState
  attempts: number
  accepted_at: string
  settled_at: string | null
  last_error: string | null
}

export interface EventPage {
  events: AcceptedEvent[]
  next: string | null
}

/** How many a redrive would begin again. */
export interface RedriveCount {
  would_redrive: number
}

export interface RedriveProgress {
  looked: number
  redriven: number
  done: boolean
  /** Why it was broken off. */
  error?: string
}

/** `null`: not known. */
export interface InboxDepth {
  pending: number | null
  dead: number | null
  oldest_due_at: string | null
  /** When these were read. */
  as_of: string | null
}

/** A delivery, answered. */
export interface SeenDelivery {
  at: string
  source: string
  key: string | null
  outcome: string
  status: number
  ms: number
}

export interface Source {
  name: string
  mode: 'inline' | 'inbox'
  sender?: { name: string; title: string }
  handle: 'acknowledge' | 'forward' | 'function'
  forward_to?: string
  retention_ms: number
  lock_ttl_ms: number
  lease_ms: number
  wait_ms: number
  deadline_ms?: number
  inbox?: InboxDepth
}

/** What the page needs of `GET /api/overview`. */
export interface Overview {
  at: string
  store: {
    name: string
    state: 'ok' | 'failing'
    records?: number
    bytes?: number
    /** When records and bytes were read; `null`: they are not known. */
    as_of: string | null
  }
  inbox: Record<string, InboxDepth>
}

export interface TestedPair {
  key: string
  first: TestedAnswer
  duplicate: TestedAnswer
}

export interface TestedAnswer extends Response {
  ms: number
}

/** One of `GET /api/failed`. */
export interface FailedDelivery {
  source: string
  key: string
  at: string
  status: number
  outcome: string
  replayable: boolean
}

export interface FailedPage {
  failed: FailedDelivery[]
  next?: string
}

export interface ReplayProgress {
  replayed: number
  succeeded: number
  failed: number
  done: boolean
  error?: string
}

/** One of `GET /api/refused`. */
export interface RefusedSummary {
  id: string
  source: string
  at: string
  status: number
  outcome: string
  /** Of the problem that it was answered. */
  code: string | null
  peer: string
  request_id: string
  key: string | null
  findings: Finding[]
  /** How many alike were refused before it without a place in the list. */
  unlogged: number
  accepted_at: string | null
}

export interface Finding {
  code: string
  text: string
}

export interface RefusedPage {
  refused: RefusedSummary[]
  next?: string
}

export interface RefusedDelivery extends RefusedSummary, Delivery {
  /** Of the whole body; `null`: it was not read. */
  body_bytes: number | null
  /** Of a mismatch: the delivery that took the key. */
  first?: Body
}

/** One of `GET /api/deliveries`: a delivery that is kept with its content. */
export interface KeptDelivery {
  id: string
  source: string
  key: string | null
  at: string
  outcome: string
  /** `null`: an inbox accepted it. */
  status: number | null
}

export interface KeptPage {
  deliveries: KeptDelivery[]
  /** Of one source: which it keeps. */
  kept?: 'accepted' | 'failed' | 'all' | 'none'
  next?: string
}

export interface SearchProgress {
  looked: number
  found: KeptDelivery[]
  done: boolean
  error?: string
}

export const FIGURE_RANGES = ['5m', '1h', '24h', '7d', '30d'] as const
export type FigureRange = (typeof FIGURE_RANGES)[number]

/** What processes counted in a range of time. */
export interface FigureSum {
  deliveries: number
  outcomes: Record<string, number>
  attempts: Record<string, number>
  /** Duplicates that did not run. */
  saved: number
  p50_ms: number | null
  p95_ms: number | null
  p99_ms: number | null
  /** A point for each step; `null`: not known. */
  series: Record<'count' | 'failing_share' | 'hits', (number | null)[]>
}

export interface Figures extends FigureSum {
  range: FigureRange
  as_of: string
  from: string
  /** From when on something is known. */
  since: string
  step_ms: number
  sources: Record<string, SourceFigures>
}

export interface SourceFigures extends FigureSum {
  /** Absent: it has none. */
  breaker?: {
    state: 'closed' | 'half_open' | 'open' | null
    since: string | null
    /** Ids. */
    processes: string[]
  }
  /** `null`: not known. */
  silence: {
    last_delivery_at: string | null
    silent_ms: number | null
    usual_gap_ms: number | null
    level: 'usual' | 'long' | 'very_long' | null
  }
}

export interface ServerProcess {
  id: string
  role: 'server' | 'worker'
  host: string
  pid: number
  version: string
  started_at: string
  last_seen_at: string
  alive: boolean
  event_loop_lag_ms: number
  in_flight: number
}
