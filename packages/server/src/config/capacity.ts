import { totalmem } from 'node:os'
import { SETTINGS, type SettingName, type Settings } from './settings.js'
import { StartError } from './start-error.js'

/** The limits of one process. */
export interface Capacity {
  maxWaiters: number
  maxInFlight: number
  /** The memory of all bodies of deliveries together. */
  maxBodyMemoryBytes: number
  /** On each address. */
  maxConnections: number
}

type Sources = ReadonlyMap<string, { options: { maxBodyBytes: number } }>

/** @throws {StartError} */
export function capacityFor(settings: Settings, sources: Sources, where: (name: SettingName) => string): Capacity {
  const { maxWaiters: waiters, maxInFlight: inFlight } = settings
  // Waiting duplicates leave capacity for other deliveries.
  const maxWaiters = waiters ?? Math.min(10_000, Math.floor((inFlight ?? Number.POSITIVE_INFINITY) / 2))
  const maxInFlight = inFlight ?? maxWaiters + 10_000
  if (maxInFlight <= maxWaiters) {
    const setting = `${where('maxInFlight')} (${maxInFlight})`
    throw new StartError(`${setting} must be more than ${SETTINGS.maxWaiters.env} (${maxWaiters})`)
  }
  const largest = largestBody(sources)
  const maxBodyMemoryBytes = settings.maxBodyMemoryBytes ?? Math.max(largest, Math.floor(usableMemory() / 4))
  if (maxBodyMemoryBytes < largest) {
    const setting = `${where('maxBodyMemoryBytes')} (${maxBodyMemoryBytes})`
    throw new StartError(`${setting} must be at least the largest maxBodyBytes of a source (${largest})`)
  }
  // The other open files are for the store and the applications.
  const maxConnections = settings.maxConnections ?? Math.min(maxInFlight + 5_000, Math.floor(openFiles() * 0.75))
  return { maxWaiters, maxInFlight, maxBodyMemoryBytes, maxConnections }
}

/** The largest body of any source. */
export function largestBody(sources: Sources): number {
  return Math.max(...[...sources.values()].map(({ options }) => options.maxBodyBytes))
}

/** The memory of the machine, or of the container if that is less. */
function usableMemory(): number {
  // 0, or more than the machine has: no limit.
  const container = process.constrainedMemory()
  return container > 0 ? Math.min(container, totalmem()) : totalmem()
}

function openFiles(): number {
  // The network part of a report would look up the host name of every peer.
  Object.assign(process.report, { excludeNetwork: true })
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } }
  const most = Number(userLimits?.open_files?.soft)
  return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most
}
