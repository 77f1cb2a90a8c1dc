import { deliveryCases } from './delivery-cases.js'
import { failureCases } from './failure-cases.js'
import type { Adapter } from './harness.js'
import { replayCases } from './replay-cases.js'

/** The cases of every adapter, over real sockets. */
export function adapterCases(adapter: Adapter): void {
  replayCases(adapter)
  failureCases(adapter)
  deliveryCases(adapter)
}
