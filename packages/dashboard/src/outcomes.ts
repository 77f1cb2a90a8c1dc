export type OutcomeKind = 'first' | 'duplicate' | 'problem'

const KINDS: Record<string, OutcomeKind> = {
  executed: 'first',
  accepted: 'first',
  handshake: 'first',
  replayed: 'duplicate',
  joined: 'duplicate',
}

/** What an outcome counts as in the charts. */
export const kindOf = (outcome: string): OutcomeKind => KINDS[outcome] ?? 'problem'
