import { isIPv6 } from 'node:net'

const WINDOW_MS = 60_000
const MOST_FAILURES = 10
/** Whoever has more addresses than that is not stopped by counting them. */
const MOST_PEERS = 10_000

/** Counts wrong tokens by where they come from: whoever guesses gets ten a minute. */
export class FailedTokens {
  readonly #failures = new Map<string, { count: number; since: number }>()

  /** For how long no token of this peer is looked at; 0: it is. `now` in milliseconds on a clock that never jumps. */
  blockedForMs(peer: string, now: number): number {
    const failures = this.#failures.get(networkOf(peer))
    if (failures === undefined || failures.count < MOST_FAILURES) return 0
    return Math.max(0, failures.since + WINDOW_MS - now)
  }

  count(peer: string, now: number): void {
    const network = networkOf(peer)
    const failures = this.#failures.get(network)
    if (failures !== undefined && now - failures.since < WINDOW_MS) {
      failures.count++
      return
    }
    this.#failures.delete(network)
    if (this.#failures.size >= MOST_PEERS) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(network, { count: 1, since: now })
  }
}

/** One who has an IPv6 address has all of its /64. */
function networkOf(peer: string): string {
  if (!isIPv6(peer)) return peer
  const [head = '', tail] = peer.split('::', 2)
  const first = head.split(':')
  const missing = tail === undefined ? 0 : 8 - first.length - tail.split(':').length
  return [...first, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail?.split(':') ?? [])].slice(0, 4).join(':')
}
