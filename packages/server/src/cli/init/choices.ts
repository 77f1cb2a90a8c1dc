export const MODES = ['inline', 'inbox'] as const
export const STORES = ['sqlite', 'redis', 'postgres', 'memory'] as const

export interface Choices {
  /** Names of senders; none: anybody may deliver. */
  senders: readonly string[]
  mode: (typeof MODES)[number]
  store: (typeof STORES)[number]
  /** `undefined`: deliveries are acknowledged. */
  forward: string | undefined
}

export const DEFAULTS: Choices = { senders: [], mode: 'inline', store: 'sqlite', forward: undefined }
