import type { RecordState } from '../api/types'

type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'plain'

const OF_STATE: Record<RecordState, Tone> = {
  pending: 'plain',
  running: 'busy',
  completed: 'good',
  failed: 'warn',
  dead: 'bad',
}

const OF_OUTCOME: Record<string, Tone> = {
  executed: 'good',
  accepted: 'good',
  replayed: 'plain',
  joined: 'plain',
  handshake: 'plain',
  in_progress: 'warn',
  mismatch: 'warn',
  invalid: 'warn',
}

function Badge({ tone, text }: { tone: Tone; text: string }) {
  return <span class={`badge ${tone}`}>{text}</span>
}

export const StateBadge = ({ state }: { state: RecordState }) => <Badge tone={OF_STATE[state]} text={state} />

export const OutcomeBadge = ({ outcome }: { outcome: string }) => (
  <Badge tone={OF_OUTCOME[outcome] ?? 'bad'} text={outcome.replaceAll('_', ' ')} />
)

export function StatusBadge({ status }: { status: number }) {
  return <Badge tone={status < 300 ? 'good' : status < 500 ? 'warn' : 'bad'} text={String(status)} />
}
