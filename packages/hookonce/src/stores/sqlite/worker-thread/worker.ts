import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ListQuery, RecordPage } from '../../store.js'
import { loadDriver } from '../database/driver.js'
import { misplaced } from '../database/file.js'
import type { Scan } from '../database/scans.js'
import { hasEnded } from '../lock-handover.js'
import { type Answer, type Message, post, type Request, unpack, type WorkerData } from '../messages.js'
import { failed, openSession, type Session } from './batch.js'

/** One transaction holds the lock that other processes wait for, so a batch ends at either limit. */
const BATCH_REQUESTS = 256
const BATCH_BYTES = 4 * 1024 * 1024
/** After a failed opening, requests are refused at once for this long. */
const REOPEN_AFTER_MS = 500

const { settings, port } = workerData as WorkerData
/** Longer than the caller's thread waits for other processes: a handover that never ends must not stop the worker. */
const MAX_HANDOVER_MS = settings.busyTimeoutMs + 1000
/** How soon a scan's step is tried again after another process had the write lock. */
const BUSY_PAUSE_MS = 20
/** How often reads are answered during a handover. */
const HANDOVER_STEP_MS = 1
const queue: Request[] = []
const answers: Answer[] = []
const scans: { id?: number; scan: Scan<unknown> }[] = []
/** Also between two steps of the purge. */
let isPurging = false
let session: Session | undefined
let failedOpening: { error: unknown; at: number } | undefined
let closing: number | undefined
let requestedHandover: Request<'handover'> | undefined
/** When the first request in the queue arrived, or the batch before it was taken. */
let waitingSince = 0
let isScheduled = false

const purgeTimer = settings.purgeIntervalMs > 0 ? setInterval(startPurge, settings.purgeIntervalMs) : undefined

port.on('message', (message: Message<Request>) => {
  enqueue(unpack(message, { copy: false }))
  schedule()
})

function enqueue(requests: readonly Request[]): void {
  if (queue.length === 0) waitingSince = performance.now()
  queue.push(...requests)
}

/** Everything that has arrived by then goes into one batch. */
function schedule(): void {
  if (isScheduled) return
  isScheduled = true
  setImmediate(work)
}

function work(): void {
  isScheduled = false
  const since = waitingSince
  const batch = nextBatch()
  waitingSince = performance.now()
  if (batch.length > 0) {
    const open = opened(batch)
    if (open !== undefined) {
      const operations = batch.filter(request => !setAside(open, request))
      open.answer(operations, answers, since)
    }
  }
  if (requestedHandover !== undefined) handOver(requestedHandover)
  stepScan()
  send()
  if (queue.length > 0 || scans.length > 0) schedule()
  else if (closing !== undefined) close(closing)
}

/** Answers reads while the worker waits for the write lock. */
function answerReads(): void {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: Message<Request> } | undefined
    if (received === undefined) break
    enqueue(session!.answerReads(unpack(received.message, { copy: false }), answers))
  }
  send()
}

/** Leaves the write lock to the caller's thread and answers reads meanwhile. */
function handOver({ id, payload: { handover } }: Request<'handover'>): void {
  requestedHandover = undefined
  answers.push({ id, outcome: null })
  send()
  const endsAt = performance.now() + MAX_HANDOVER_MS
  while (!hasEnded(settings.handovers, handover, HANDOVER_STEP_MS) && performance.now() < endsAt) answerReads()
}

function nextBatch(): Request[] {
  let bytes = 0
  let length = 0
  while (length < queue.length && length < BATCH_REQUESTS && bytes < BATCH_BYTES) {
    const { operation, payload } = queue[length++]!
    if (operation === 'complete') bytes += payload.result.byteLength
    else if (operation === 'accept') bytes += payload.delivery.byteLength
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
    if (failedOpening !== undefined && performance.now() < failedOpening.at + REOPEN_AFTER_MS) throw failedOpening.error
    session = openSession(loadDriver(settings.driver), settings, answerReads)
    return session
  } catch (error) {
    if (failedOpening?.error !== error) failedOpening = { error, at: performance.now() }
    for (const { id, operation } of batch) {
      if (operation === 'close') closing = id
      else answers.push(failed(id, error))
    }
    return undefined
  }
}

/** Takes a request out of the batch that is not one step in its transaction. */
function setAside(open: Session, request: Request): boolean {
  const { id, operation, payload } = request
  switch (operation) {
    case 'list':
      return scans.push({ id, scan: listOf(open, payload) }) > 0
    case 'stats':
      return scans.push({ id, scan: open.scans.stats() }) > 0
    case 'usage':
      return scans.push({ id, scan: open.usage(payload.scope) }) > 0
    case 'purge':
      return scans.push({ id, scan: open.scans.purge(payload.limit) }) > 0
    case 'handover':
      requestedHandover = request
      return true
    case 'close':
      closing = id
      return true
    default:
      return false
  }
}

function listOf({ scans, listAccepted }: Session, query: ListQuery): Scan<RecordPage> {
  return query.accepted || query.label !== undefined ? listAccepted(query) : scans.list(query)
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
    if (id !== undefined) answers.push({ id, outcome: value })
  } catch (error) {
    if (id !== undefined) answers.push(failed(id, error))
  }
  if (id === undefined) isPurging = false
}

function resume(scan: (typeof scans)[number]): void {
  if (closing !== undefined) return
  scans.push(scan)
  schedule()
}

function send(): void {
  if (answers.length > 0) post(port, answers.splice(0))
}

function close(id: number): void {
  clearInterval(purgeTimer)
  try {
    session?.close()
    answers.push({ id, outcome: null })
  } catch (error) {
    answers.push(failed(id, error))
  }
  send()
  port.close()
}
