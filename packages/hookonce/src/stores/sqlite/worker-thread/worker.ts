import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ListQuery, RecordPage } from '../../store.js'
import { loadDriver } from '../database/driver.js'
import { misplaced } from '../database/file.js'
import { hasEnded } from '../lock-handover.js'
import {
  carriesBytes,
  post,
  type Request,
  type RequestMessage,
  type RequestOf,
  unpack,
  type WorkerSettings,
} from '../messages.js'
import { openSession, type Session } from './batch.js'
import { Reply } from './reply.js'
import type { Scan } from './scans.js'

/** What one transaction takes at most: it holds the lock that other processes wait for. */
const BATCH_REQUESTS = 256
const BATCH_BYTES = 4 * 1024 * 1024
/** After a failed opening, requests are refused at once for this long. */
const REOPEN_AFTER_MS = 500

const port = parentPort!
const settings = workerData as WorkerSettings
/** More than the caller's thread waits for other processes: a turn that never ends must not stop the worker. */
const LONGEST_TURN_MS = settings.busyTimeoutMs + 1000
/** How soon a step that another process stood in the way of is tried again. */
const BUSY_PAUSE_MS = 20
/** How often what needs no write is answered during a turn. */
const TURN_STEP_MS = 1
const reply = new Reply(settings.path)
const queue: Request[] = []
const scans: { id?: number; scan: Scan<unknown> }[] = []
/** Whether a purge is under way, between two of its steps too. */
let isPurging = false
let session: Session | undefined
let failedOpening: { error: unknown; at: number } | undefined
let closing: number | undefined
let turnAsked: RequestOf<'turn'> | undefined
/** From when on what is in the queue has been waiting: it came to an empty queue, or a batch was taken before it. */
let waitingSince = 0
let scheduled = false

// Messages wait until there is a listener.
const driver = await loadDriver().catch((error: unknown) => ({ error }))
const purging = settings.purgeIntervalMs > 0 ? setInterval(startPurge, settings.purgeIntervalMs) : undefined

port.on('message', (message: RequestMessage) => {
  enqueue(unpack(message))
  schedule()
})

function enqueue(requests: readonly Request[]): void {
  if (queue.length === 0) waitingSince = performance.now()
  queue.push(...requests)
}

/** Everything that has arrived by then goes into one batch. */
function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(work)
}

function work(): void {
  scheduled = false
  const since = waitingSince
  const batch = nextBatch()
  waitingSince = performance.now()
  if (batch.length > 0) {
    const open = opened(batch)
    if (open !== undefined) {
      const steps = batch.filter(request => !setAside(open, request))
      open.answer(steps, reply, since)
    }
  }
  if (turnAsked !== undefined) giveTurn(turnAsked)
  stepScan()
  send()
  if (queue.length > 0 || scans.length > 0) schedule()
  else if (closing !== undefined) close(closing)
}

/** While another process has the write lock, what needs none is still answered. */
function answerMeanwhile(): void {
  for (;;) {
    const arrived = receiveMessageOnPort(port) as { message: RequestMessage } | undefined
    if (arrived === undefined) break
    enqueue(session!.read(unpack(arrived.message), reply))
  }
  send()
}

/** Leaves the write lock to the caller's thread for a turn; what needs none is still answered. */
function giveTurn([id, , turn]: RequestOf<'turn'>): void {
  turnAsked = undefined
  reply.answer(id, [])
  send()
  const endsAt = performance.now() + LONGEST_TURN_MS
  while (!hasEnded(settings.turns, turn, TURN_STEP_MS) && performance.now() < endsAt) answerMeanwhile()
}

function nextBatch(): Request[] {
  let bytes = 0
  let length = 0
  while (length < queue.length && length < BATCH_REQUESTS && bytes < BATCH_BYTES) {
    const request = queue[length++]!
    if (carriesBytes(request)) bytes += (request[5] as Uint8Array).byteLength
  }
  return queue.splice(0, length)
}

function opened(batch: readonly Request[]): Session | undefined {
  try {
    if (session?.isInPlace()) return session
    if (session !== undefined) {
      session.close()
      session = undefined
      throw misplaced()
    }
    if ('error' in driver) throw driver.error
    if (failedOpening !== undefined && performance.now() < failedOpening.at + REOPEN_AFTER_MS) throw failedOpening.error
    session = openSession(driver, settings, answerMeanwhile)
    return session
  } catch (error) {
    if (failedOpening?.error !== error) failedOpening = { error, at: performance.now() }
    for (const [id, operation] of batch) {
      if (operation === 'close') closing = id
      else reply.fail(id, error)
    }
    return undefined
  }
}

/** Takes what is not done in one step out of the batch. */
function setAside(open: Session, request: Request): boolean {
  const id = request[0]
  switch (request[1]) {
    case 'list':
      return scans.push({ id, scan: listOf(open, request[2]) }) > 0
    case 'stats':
      return scans.push({ id, scan: open.scans.stats() }) > 0
    case 'usage':
      return scans.push({ id, scan: open.usage(request[2]) }) > 0
    case 'purge':
      return scans.push({ id, scan: open.scans.purge(request[2]) }) > 0
    case 'turn':
      turnAsked = request
      return true
    case 'close':
      closing = id
      return true
    default:
      return false
  }
}

function listOf({ scans, listInOrder }: Session, query: ListQuery): Scan<RecordPage> {
  return query.accepted || query.label !== undefined ? listInOrder(query) : scans.list(query)
}

function startPurge(): void {
  if (session === undefined || isPurging) return
  isPurging = true
  scans.push({ scan: session.scans.tidy() })
  schedule()
}

function stepScan(): void {
  const current = scans.shift()
  if (current === undefined) return
  const { id, scan } = current
  if (id === undefined && closing !== undefined) return
  try {
    const { done, value } = scan.next()
    if (!done) {
      if (value === 'busy') setTimeout(resume, BUSY_PAUSE_MS, current)
      else scans.push(current)
      return
    }
    if (id !== undefined) reply.answer(id, [value])
  } catch (error) {
    if (id !== undefined) reply.fail(id, error)
  }
  if (id === undefined) isPurging = false
}

function resume(scan: (typeof scans)[number]): void {
  if (closing !== undefined) return
  scans.push(scan)
  schedule()
}

function send(): void {
  const message = reply.take()
  if (message !== undefined) post(port, message)
}

function close(id: number): void {
  clearInterval(purging)
  try {
    session?.close()
    reply.answer(id, [])
  } catch (error) {
    reply.fail(id, error)
  }
  send()
  port.close()
}
