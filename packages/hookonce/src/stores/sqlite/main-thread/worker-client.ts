import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { ConfigurationError, StoreError } from '../../../errors.js'
import { type Failure, toStoreError } from '../database/errors.js'
import {
  type Answer,
  type Message,
  type Operation,
  type OutcomeOf,
  type Payloads,
  post,
  type Request,
  unpack,
  type WorkerData,
  type WorkerSettings,
} from '../messages.js'

/** The worker's code as one text, put in by the build: a bundler of the application would leave a file of it behind. */
declare const SQLITE_WORKER_SOURCE: string

interface Pending {
  operation: Operation
  resolve(outcome: unknown): void
  reject(error: Error): void
}

/**
 * A message carries at most this many requests, so that the worker starts on the first while the next are made. One
 * message for all requests of an event-loop tick costs 7 % of the first deliveries and 14 % of the duplicates.
 */
const MAX_REQUESTS_PER_MESSAGE = 16

/** The caller's side of the worker. The requests of one event-loop tick share a few messages. */
export function startWorker(settings: WorkerSettings) {
  // Of their own, because Deno's parentPort is none that `receiveMessageOnPort` takes.
  const { port1: port, port2: workersPort } = new MessageChannel()
  const worker = new Worker(SQLITE_WORKER_SOURCE, {
    eval: true,
    workerData: { settings, port: workersPort } satisfies WorkerData,
    transferList: [workersPort],
    name: 'hookonce-sqlite',
    // The source is CommonJS, whatever `node --input-type=module -e` would have a worker inherit.
    ...(process.execArgv.some(argument => argument.startsWith('--input-type')) && { execArgv: [] }),
  })
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  let hasExited = false
  // A request's id is its index in here. A Map's replaced hash tables would keep old entries alive, see ShortLivedMap.
  const pending: (Pending | undefined)[] = []
  const free: number[] = []
  let outbox: Request[] = []
  let isScheduled = false
  let ended: string | undefined
  let closing: Promise<void> | undefined

  worker.unref()
  port.on('message', onMessage)
  port.unref()
  worker.on('error', error => {
    ended ??= `its worker thread failed: ${error.message}`
  })
  worker.once('exit', () => {
    // What it posted last may still be on its way.
    for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port)) {
      onMessage(last.message)
    }
    hasExited = true
    ended ??= 'its worker thread ended'
    for (const [id, entry] of pending.entries()) if (entry !== undefined) settle(id).reject(problem('unknown'))
    port.close()
  })

  function onMessage(message: Message<Answer>): void {
    // Scheduled before the promises settle: the requests that follow are posted before the HTTP responses are written.
    scheduleFlush()
    for (const { id, outcome, failure } of unpack(message, { copy: message.entries.length > 1 })) {
      const { operation, resolve, reject } = settle(id)
      if (failure === undefined) resolve(outcome)
      else reject(toError(failure, operation))
    }
    // An open, idle store does not keep the process alive; a closing one does until it is closed.
    if (isIdle() && closing === undefined) port.unref()
  }

  function settle(id: number): Pending {
    const entry = pending[id]!
    pending[id] = undefined
    free.push(id)
    return entry
  }

  function isIdle(): boolean {
    return free.length === pending.length
  }

  function toError(failure: Failure, operation: Operation): Error {
    const error = toStoreError(failure, settings.path)
    const isConfiguration = failure.effect === 'configuration' && operation === 'ready'
    return isConfiguration ? new ConfigurationError(error.message) : error
  }

  function problem(effect: StoreError['effect']): StoreError {
    return new StoreError(`sqlite store ${settings.path}: ${ended}`, effect)
  }

  function scheduleFlush(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      flush()
    })
  }

  function flush(): void {
    if (outbox.length === 0) return
    const requests = outbox
    outbox = []
    try {
      post(port, requests)
    } catch (error) {
      // A value that cannot be posted, which the types forbid.
      for (const { id } of requests) settle(id).reject(new StoreError(String(error), 'refused'))
    }
  }

  /** The worker's outcome. `payload` must be a new object: its bytes are detached from it. */
  function call<Name extends Operation>(operation: Name, payload: Payloads[Name]): Promise<OutcomeOf<Name>> {
    return ended === undefined ? send(operation, payload) : Promise.reject(problem('refused'))
  }

  function send<Name extends Operation>(operation: Name, payload: Payloads[Name]): Promise<OutcomeOf<Name>> {
    return new Promise((resolve, reject) => {
      if (isIdle()) port.ref()
      scheduleFlush()
      const id = free.pop() ?? pending.length
      pending[id] = { operation, resolve: resolve as Pending['resolve'], reject }
      outbox.push({ id, operation, payload } as Request)
      if (outbox.length === MAX_REQUESTS_PER_MESSAGE) flush()
    })
  }

  return {
    call,

    /** Resolves when the worker leaves the lock. Allowed after `close`, for the transactions that came before it. */
    async requestHandover(handover: number): Promise<void> {
      if (hasExited) throw problem('refused')
      await send('handover', { handover })
    },

    /** Why further operations are refused; `undefined`: they are not. */
    refusal(): StoreError | undefined {
      return ended === undefined ? undefined : problem('refused')
    },

    /** Refuses further operations, and ends the worker after `finish`. */
    close(finish: () => Promise<void>): Promise<void> {
      if (closing === undefined) {
        const isAlive = ended === undefined
        ended ??= 'it is closed'
        worker.ref()
        closing = finish()
          .then(() => (isAlive && !hasExited ? send('close', {}) : undefined))
          .then(() => exited)
      }
      return closing
    },
  }
}
