import { ServerResponse } from 'node:http'
import type { CapturedResponse } from './captured-response.js'

type Method = (this: object, ...args: unknown[]) => unknown
type Methods = Record<string, Method>

const isMethod = (name: string): boolean => name in ServerResponse.prototype

const FORWARDED = [
  'getHeader',
  'getHeaders',
  'getHeaderNames',
  'getRawHeaderNames',
  'hasHeader',
  'setHeader',
  'setHeaders',
  'appendHeader',
  'removeHeader',
  'writeHead',
  '_implicitHeader', // `compression` calls it
  'flushHeaders',
  'write',
  'end',
  'destroy',
].filter(isMethod)
/** 1xx responses and trailers are not recorded, and a captured response has no socket to cork. */
const DROPPED = [
  'writeContinue',
  'writeProcessing',
  'writeEarlyHints',
  'writeInformation',
  'addTrailers',
  'cork',
  'uncork',
].filter(isMethod)

/** A property, not a WeakMap: objects derived from a response (`Object.create(res)`) inherit it. */
const OVERLAY = Symbol('hookonce')
type Overlaid = { [OVERLAY]: MethodOverlay }

const forwarded = (name: string): Method =>
  function (...args) {
    const { captured, beneath, bypassed } = (this as Overlaid)[OVERLAY]
    if (bypassed) return beneath[name]!.apply(this, args)
    const result = (captured as unknown as Methods)[name]!(...args)
    return result === captured ? this : result
  }

const dropped = (...args: unknown[]): void => {
  const callback = args.at(-1)
  if (typeof callback === 'function') process.nextTick(callback)
}

// Made once, and by `fromEntries`: a copy of what a loop has filled takes 5 µs more.
const methods: Methods = Object.fromEntries([
  ...FORWARDED.map(name => [name, forwarded(name)]),
  ...DROPPED.map(name => [name, dropped]),
])

const NAMES = Object.keys(methods)
const inherited = new WeakMap<object, Methods>()

/** What is beneath: the prototype's methods, and over them those of middleware that wrapped them before. */
function methodsOf(res: ServerResponse): Methods {
  const prototype: Methods = Object.getPrototypeOf(res)
  let found = inherited.get(prototype)
  if (found === undefined) {
    found = Object.fromEntries(NAMES.map(name => [name, prototype[name]!]))
    inherited.set(prototype, found)
  }
  const wrapped = NAMES.filter(name => Object.hasOwn(res, name))
  if (wrapped.length === 0) return found
  return { ...found, ...Object.fromEntries(wrapped.map(name => [name, (res as unknown as Methods)[name]!])) }
}

const GETTERS: Record<string, (captured: CapturedResponse) => boolean> = {
  headersSent: captured => captured.headersSent,
  writableEnded: captured => captured.writableEnded,
  writableFinished: () => false,
  writableNeedDrain: captured => captured.needsDrain,
}

const status = (name: 'statusCode' | 'statusMessage'): PropertyDescriptor => ({
  configurable: true,
  enumerable: true,
  get(this: Overlaid) {
    return this[OVERLAY].status[name]
  },
  set(this: Overlaid, value: never) {
    this[OVERLAY].status[name] = value
  },
})

const getter = ([name, get]: [string, (captured: CapturedResponse) => boolean]): [string, PropertyDescriptor] => [
  name,
  {
    configurable: true,
    enumerable: true,
    get(this: Overlaid) {
      const { captured, bypassed } = this[OVERLAY]
      return bypassed ? Reflect.get(Object.getPrototypeOf(this), name, this) : get(captured)
    },
  },
]

const accessors: PropertyDescriptorMap = {
  statusCode: status('statusCode'),
  statusMessage: status('statusMessage'),
  ...Object.fromEntries(Object.entries(GETTERS).map(getter)),
}

/** Forwards what is done to a response to a captured one. Methods that earlier middleware wrapped stay beneath. */
export class MethodOverlay {
  bypassed = false
  readonly beneath: Methods
  readonly #sent: Pick<ServerResponse, 'statusCode' | 'statusMessage'>

  constructor(
    private readonly res: ServerResponse,
    readonly captured: CapturedResponse,
  ) {
    this.beneath = methodsOf(res)
    this.#sent = { statusCode: res.statusCode, statusMessage: res.statusMessage }
    ;(res as unknown as Overlaid)[OVERLAY] = this
    Object.assign(res, methods)
    Object.defineProperties(res, accessors)
  }

  /** What holds `statusCode` and `statusMessage`. */
  get status(): Pick<ServerResponse, 'statusCode' | 'statusMessage'> {
    return this.bypassed ? this.#sent : this.captured
  }

  /** Runs something on the response itself. */
  bypass<T>(run: () => T): T {
    const before = this.bypassed
    this.bypassed = true
    try {
      return run()
    } finally {
      this.bypassed = before
    }
  }

  remove(): void {
    this.bypassed = true
    Object.assign(this.res, this.beneath)
  }
}
