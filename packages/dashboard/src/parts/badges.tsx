import type { RecordSummary } from '../api/types'

type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'plain'

const OF_STATE: Record<RecordSummary['state'], Tone> = {
  pending: 'plain',
  running: 'busy',
  completed: 'good',
  failed: 'warn',
  dead: 'bad',
}

const OF_OUTCOME: Record<string, Tone> = {
  executed: 'good',
  accepted: 'plain',
  replayed: 'plain',
  joined: 'plain',
  handshake: 'plain',
  in_progress: 'warn',
  mismatch: 'warn',
  invalid: 'warn',
}

export function Badge({ tone, text }: { tone: Tone; text: string }) {
  return <span class={`badge ${tone}`}>{text}</span>
}

/** What has failed waits for another attempt: an inbox makes it, or the sender's next delivery is it. */
export function StateBadge({ record: { state, inbox } }: { record: Pick<RecordSummary, 'state' | 'inbox'> }) {
  const text = state !== 'failed' ? state : inbox === undefined ? 'failed, given back' : 'failed, retries'
  return <Badge tone={OF_STATE[state]} text={text} />
}

export const OutcomeBadge = ({ outcome }: { outcome: string }) => (
  <Badge tone={OF_OUTCOME[outcome] ?? 'bad'} text={outcome.replaceAll('_', ' ')} />
)

export function StatusBadge({ status }: { status: number }) {
  return <Badge tone={status < 300 ? 'good' : status < 500 ? 'warn' : 'bad'} text={String(status)} />
}
