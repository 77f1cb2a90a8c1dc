import { GITHUB } from './github.js'
import type { SenderKind } from './sender.js'
import { STRIPE } from './stripe.js'

/** Every sender that is known by name. */
export const SENDERS: ReadonlyMap<string, SenderKind> = new Map(
  [GITHUB, STRIPE].map(kind => [kind.facts.name, kind] as const),
)
