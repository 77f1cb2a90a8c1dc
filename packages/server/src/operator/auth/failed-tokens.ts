import { isIPv6 } from 'node:net'

const WINDOW_MS = 60_000
const MAX_FAILURES = 10
/** Bounds the memory; an attacker with more addresses is not stopped by counting. */
const MAX_PEERS = 10_000

/** Limits wrong tokens to ten a minute for each network. */
export class FailedTokens {
  readonly #failures = new Map<string, { count: number; since: number }>()

  /** How long wrong tokens of this peer are refused; 0: they are not. `now`: milliseconds on a monotonic clock. */
  blockedForMs(peer: string, now: number): number {
    const failures = this.#failures.get(networkOf(peer))
    if (failures === undefined || failures.count < MAX_FAILURES) return 0
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
    if (this.#failures.size >= MAX_PEERS) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(network, { count: 1, since: now })
  }
}

/** An IPv6 client usually has a whole /64. */
function networkOf(peer: string): string {
  if (!isIPv6(peer)) return peer
  const [head = '', tail] = peer.split('::', 2)
  const first = head.split(':')
  const missing = tail === undefined ? 0 : 8 - first.length - tail.split(':').length
  return [...first, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail?.split(':') ?? [])].slice(0, 4).join(':')
}
