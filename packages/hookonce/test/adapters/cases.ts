import { deliveryCases } from './delivery-cases.js'
import { failureCases } from './failure-cases.js'
import type { Adapter } from './harness.js'
import { replayCases } from './replay-cases.js'

/** What every adapter does, over real sockets. An adapter's own test is a call to it. */
export function adapterCases(adapter: Adapter): void {
  replayCases(adapter)
  failureCases(adapter)
  deliveryCases(adapter)
}
