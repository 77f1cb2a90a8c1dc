import type { Attempt } from './ledger.js'
import type { Answer } from './sender.js'

/** What became of one event. */
export interface Figures {
  answers: readonly Answer[]
  attempts: readonly Attempt[]
  charges: number
}

/** What the promise says of an event, and was not so; nothing: it held. */
export function brokenPromises({ answers, attempts, charges }: Figures, expectedAttempts: number): string[] {
  const replays = answers.filter(({ isReplay }) => isReplay).length
  const failed = answers.filter(({ status }) => status !== 200).length
  const bodies = new Set(answers.map(({ body }) => body)).size
  return [
    ...(charges === 1 ? [] : [`${charges} charges instead of 1`]),
    ...(attempts.length === expectedAttempts ? [] : [`${attempts.length} attempts instead of ${expectedAttempts}`]),
    ...(failed === 0 ? [] : [`${failed} deliveries were not answered 200`]),
    ...(bodies === 1 ? [] : [`${bodies} different answers`]),
    ...(replays === answers.length - 1 ? [] : [`${replays} replays instead of ${answers.length - 1}`]),
  ]
}
