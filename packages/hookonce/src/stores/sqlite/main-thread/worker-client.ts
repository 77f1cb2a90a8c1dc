import { Worker } from 'node:worker_threads'
import { ConfigurationError, StoreError } from '../../../errors.js'
import { type Failure, toStoreError } from '../database/errors.js'
import { type Answer, type AnswerMessage, pack, post, type Request, type WorkerSettings } from '../messages.js'

/** Reads an answer; `take` gives the result of that length. */
export type Decode<T> = (answer: Answer, take: (length: number) => Uint8Array) => T

interface Pending {
  operation: Request[1]
  decode: Decode<unknown>
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * So many requests leave together: while the worker is busy with them the next are made. In one message, however many
 * there are, all who ask together wait for each other: 7 % fewer first deliveries and 14 % fewer duplicates.
 */
const MOST_TOGETHER = 16

/** The caller's side: gathers what one turn of the event loop asks into few messages. */
export function startWorker(settings: WorkerSettings) {
  const worker = new Worker(new URL('../worker-thread/worker.js', import.meta.url), {
    workerData: settings,
    name: 'hookonce-sqlite',
    // Node refuses to run a file under --input-type, which a worker would inherit from `node --input-type=module -e`.
    ...(process.execArgv.some(argument => argument.startsWith('--input-type')) && { execArgv: [] }),
  })
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  let hasExited = false
  // A request's id is its place in here. A Map would leave tables behind that keep what was in them, see ShortLivedMap.
  const pending: (Pending | undefined)[] = []
  const free: number[] = []
  let outbox: Request[] = []
  let results: Uint8Array[] = []
  let isScheduled = false
  let ended: string | undefined
  let closing: Promise<void> | undefined

  worker.unref()
  worker.on('message', (message: AnswerMessage) => {
    // What the answers lead to is to be on its way before the responses are written that they lead to as well.
    scheduleFlush()
    let offset = 0
    const bytes = message.bytes
    const isOnlyResult = message.answers.length === 1
    const take = (length: number): Uint8Array => {
      const start = offset
      offset += length
      // A view would keep the whole message in memory.
      return isOnlyResult ? bytes!.subarray(start, offset) : bytes!.slice(start, offset)
    }
    for (const answer of message.answers) {
      const { resolve, decode } = settle(answer[0])
      resolve(decode(answer, take))
    }
    for (const [id, failure] of message.failures) {
      const { reject, operation } = settle(id)
      reject(toError(failure, operation))
    }
    // An open store with nothing to do does not keep the process alive; one that closes does until it has.
    if (isIdle() && closing === undefined) worker.unref()
  })
  worker.on('error', error => {
    ended ??= `its worker thread failed: ${error.message}${isMissing(error) ? UNBUNDLED : ''}`
  })
  worker.once('exit', () => {
    hasExited = true
    ended ??= 'its worker thread ended'
    for (const [id, entry] of pending.entries()) if (entry !== undefined) settle(id).reject(problem('unknown'))
  })

  function settle(id: number): Pending {
    const entry = pending[id]!
    pending[id] = undefined
    free.push(id)
    return entry
  }

  function isIdle(): boolean {
    return free.length === pending.length
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
    const message = { requests: outbox, bytes: pack(results) }
    outbox = []
    results = []
    try {
      post(worker, message)
    } catch (error) {
      // A value that cannot be posted, which the types forbid.
      for (const [id] of message.requests) settle(id).reject(new StoreError(String(error), 'refused'))
    }
  }

  /** Resolves with what `decode` makes of the answer. A `result` is sent along; the request gives its length. */
  function ask<T>(request: Request, decode: Decode<T>, result?: Uint8Array): Promise<T> {
    return ended === undefined ? send(request, decode, result) : Promise.reject(problem('refused'))
  }

  function send<T>(request: Request, decode: Decode<T>, result?: Uint8Array): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (isIdle()) worker.ref()
      scheduleFlush()
      const id = free.pop() ?? pending.length
      request[0] = id
      pending[id] = { operation: request[1], decode, resolve: resolve as Pending['resolve'], reject }
      outbox.push(request)
      if (result !== undefined) results.push(result)
      if (outbox.length === MOST_TOGETHER) flush()
    })
  }

  return {
    ask,

    /** Asks for the worker's turn, while what was asked before `close` is being finished too. */
    askForTurn(turn: number): Promise<void> {
      return hasExited ? Promise.reject(problem('refused')) : send([0, 'turn', turn], () => undefined)
    },

    /** Why nothing may be asked any more. */
    refusal(): StoreError | undefined {
      return ended === undefined ? undefined : problem('refused')
    },

    /** Refuses what is asked from now on, and ends the worker after `finish`. */
    close(finish: () => Promise<void>): Promise<void> {
      if (closing === undefined) {
        const isAlive = ended === undefined
        ended ??= 'it is closed'
        closing = finish()
          .then(() => (isAlive && !hasExited ? send([0, 'close'], () => undefined) : undefined))
          .then(() => exited)
      }
      return closing
    },
  }
}

/** What to do where a bundler took the store into its one file, and left the worker behind. */
const UNBUNDLED = '; if the application is bundled, leave the package hookonce out of the bundle (external)'

const isMissing = ({ code }: NodeJS.ErrnoException): boolean => /^(ERR_)?MODULE_NOT_FOUND$/.test(code ?? '')

function toError(failure: Failure, operation: Request[1]): Error {
  if (failure.effect === 'configuration' && operation === 'ready') return new ConfigurationError(failure.message)
  return toStoreError(failure)
}
