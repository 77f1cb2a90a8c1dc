import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Attempt, Delivery, HeaderList } from 'hookonce'
import type { FetchResponse } from 'hookonce/adapters/fetch'
import type { Sender } from 'hookonce/senders'
import type { ClusterAddress, SentinelAddress } from 'hookonce/stores/redis'
import * as v from 'valibot'
import { didYouMean } from './did-you-mean.js'
import { type GivenSettings, readSecret } from './environment.js'
import { importDefault } from './import-config.js'
import { KINDS } from './kinds.js'
import { SETTING_NAMES, type Settings } from './settings.js'
import { StartError } from './start-error.js'

/** An attempt of a configured source. */
export interface ConfiguredAttempt extends Attempt {
  /**
   * Commits effects and result in one transaction; only with Postgres and SQLite. `tx` is the store's own: a `pg` client, or
   * an SQLite database, whose effects are synchronous and return a `jsonResponse`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the type depends on the store, which is known at run time
  commit?<R extends FetchResponse>(effects: (tx: any) => R | Promise<R>): Promise<R>
}

/** A handler of your own; its response is recorded and replayed if the status is 2xx. */
export type DeliveryFunction = (
  delivery: Delivery,
  attempt: ConfiguredAttempt,
) => FetchResponse | Promise<FetchResponse>

export interface ForwardOptions {
  /** How long the application's answer may take, body included. Default: `forwardTimeoutSeconds`. */
  timeoutSeconds?: number
}

/** How deliveries are handled; made by {@link forward} and {@link acknowledge}. */
export type Handle =
  | DeliveryFunction
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'forward'; readonly url: string; readonly timeoutSeconds: number | undefined }

/** Forwards deliveries to the application at `url` and records its response. */
export function forward(url: string, options: ForwardOptions = {}): Handle {
  return { kind: 'forward', url, timeoutSeconds: options.timeoutSeconds }
}

/** Accepts every JSON event. */
export function acknowledge(): Handle {
  return { kind: 'acknowledge' }
}

/** Parts of a delivery in place of its own. */
export interface RedactedDelivery {
  headers?: HeaderList
  body?: Uint8Array | string
}

/** One endpoint, `POST /hooks/{name}`. An absent field has the value of the setting of the same name. */
export interface SourceConfig {
  /**
   * Who delivers: deliveries without its signature are answered 401, and keys are read only where it puts them. The
   * defaults of retention, wait and fingerprint are the sender's, unless these settings are given.
   */
  sender?: Sender
  /** Default: forward to `forwardTo` if that is set, otherwise {@link acknowledge}. */
  handle?: Handle
  /** Answer 400 to a delivery without a key instead of processing it every time. Default `false`; with a sender `true`. */
  keyRequired?: boolean
  /** What must be equal for two deliveries to be one operation: the raw `body`, `none`, or a digest of your own. */
  fingerprint?: 'body' | 'none' | ((delivery: Delivery) => string)
  /**
   * Forward HEAD, GET and OPTIONS to the application: for senders with a handshake that no `sender` answers. Nothing is
   * recorded. Default `false`; for the default source as in the settings.
   */
  forwardHandshakes?: boolean
  /** `inbox`: acknowledge at once, process later and retry until it succeeds. Default `inline`; for the default source `mode`. */
  mode?: 'inline' | 'inbox'
  /** How many deliveries of an inbox source a process attempts at once. Default 10. */
  concurrency?: number
  /**
   * How many deliveries of this source a process begins in a second: further ones are answered 429, in an inbox they
   * wait. Default: no limit; for the default source as in the settings.
   */
  ratePerSecond?: number
  /** The pauses between attempts of an inbox source. Default: nine of them, over three days. */
  retryDelaysSeconds?: number[]
  /** Names a group whose deliveries an inbox source attempts one at a time, in the order in which they were accepted. */
  group?: (delivery: Delivery) => string | null
  /** The status with which an inbox source acknowledges. Default 202. */
  acceptedStatus?: number
  /** How long a result is replayed, from its completion. Default of an inbox source: 7 days. */
  retentionSeconds?: number
  /** The longest time that an attempt may hold a key. */
  lockTtlSeconds?: number
  /** How long a key stays held after its process died; at most `lockTtlSeconds`. */
  leaseSeconds?: number
  /** How long a duplicate waits for a running attempt; 0: not at all. */
  waitSeconds?: number
  maxBodyBytes?: number
  maxResponseBytes?: number
  /** The approximate limit of records; beyond it a delivery with a new key is answered 507. 0: no limit. */
  maxRecords?: number
  /** The approximate limit of the bytes of results, deliveries and keys; beyond it 507 as well. 0: no limit. */
  maxStoredBytes?: number
  /**
   * `false`: no response body is recorded, so replays have none (`X-Cached-Body: omitted`), and operators are shown no
   * bodies. An inbox still stores the deliveries that it accepted. Default `true`.
   */
  recordBody?: boolean
  /**
   * Which deliveries are kept for operators, to be looked at and replayed; an inbox keeps all of its own. Default: as in the
   * settings, `failed`; with `recordBody: false` `none`.
   */
  recordDelivery?: 'failed' | 'all' | 'none'
  /**
   * What is kept of a delivery that failed or was refused, in place of its headers and its body; `null`: nothing, as if it
   * throws. One whose body is replaced can be neither replayed nor accepted. Default: all but the headers that contain secrets.
   */
  redactDelivery?: (delivery: Delivery) => RedactedDelivery | null
  /**
   * Terms that operators find an event by, e.g. the numbers of its order and its customer: 10 at most, 100 characters each.
   * They are kept beside the record, about as long as it. Default: none.
   */
  index?: (delivery: Delivery) => readonly string[]
  /** Headers of recorded responses and accepted deliveries whose values operators are not shown. Default: none. */
  redactHeaders?: string[]
}

/** The config file's content: settings, and the sources with their handlers. */
export interface Config extends Settings {
  /** Redis Sentinel or Cluster, instead of `storeUrl`: `{ sentinels, name }` or `{ cluster }`. */
  redis?: SentinelAddress | ClusterAddress
  /** By name. `default` is `POST /webhook`; the others are `POST /hooks/{name}`. */
  sources?: Record<string, SourceConfig>
}

/**
 * Types a config file.
 *
 * @example
 * export default defineConfig({
 *   port: 8080,
 *   sources: { orders: { handle: forward('http://localhost:3000/orders'), keyRequired: true } },
 * })
 */
export function defineConfig(config: Config): Config {
  return config
}

/**
 * A variable of the environment, or what is in the file that `NAME_FILE` names: a config file holds no secret.
 *
 * @throws {StartError} neither is set
 */
export function env(name: string): string {
  const given = readSecret(process.env, name)
  if (given === undefined) throw new StartError(`${name} is not set, nor ${name}_FILE`)
  return given.value
}

export interface ConfigFile {
  path: string
  settings: GivenSettings
  redis: SentinelAddress | ClusterAddress | undefined
  sources: Map<string, SourceConfig>
}

const HANDLE = v.union([
  v.custom<DeliveryFunction>(value => typeof value === 'function'),
  v.strictObject({ kind: v.literal('acknowledge') }),
  v.strictObject({ kind: v.literal('forward'), url: v.unknown(), timeoutSeconds: v.unknown() }),
])
const SENDER = v.custom<Sender>(
  value =>
    isObject(value) &&
    typeof Reflect.get(value, 'facts') === 'object' &&
    ['verify', 'key', 'sign'].every(name => typeof Reflect.get(value, name) === 'function'),
)
const FUNCTION = v.custom<(delivery: Delivery) => string>(value => typeof value === 'function')
const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const PAUSES = v.pipe(v.array(v.pipe(v.number(), v.minValue(0), v.maxValue(2_147_483))), v.maxLength(1_000))

/** The rule of each field of a source. */
const FIELDS: Record<keyof SourceConfig, { schema: v.GenericSchema; allowed: string }> = {
  sender: { schema: SENDER, allowed: 'must be a sender, e.g. stripe({ secrets: […] }) of hookonce/senders/stripe' },
  handle: { schema: HANDLE, allowed: 'must be forward(url), acknowledge() or a function' },
  keyRequired: { schema: v.boolean(), allowed: 'must be true or false' },
  fingerprint: {
    schema: v.union([KINDS.fingerprint.schema, FUNCTION]),
    allowed: "must be 'body', 'none' or a function",
  },
  forwardHandshakes: KINDS.forwardHandshakes,
  mode: KINDS.mode,
  concurrency: KINDS.concurrency,
  ratePerSecond: KINDS.ratePerSecond,
  retryDelaysSeconds: { schema: PAUSES, allowed: 'must be a list of pauses in seconds' },
  group: { schema: FUNCTION, allowed: 'must be a function' },
  acceptedStatus: { schema: whole(200, 299), allowed: 'must be a status from 200 to 299' },
  retentionSeconds: KINDS.retentionSeconds,
  lockTtlSeconds: KINDS.lockTtlSeconds,
  leaseSeconds: KINDS.leaseSeconds,
  waitSeconds: KINDS.waitSeconds,
  maxBodyBytes: KINDS.maxBodyBytes,
  maxResponseBytes: KINDS.maxResponseBytes,
  maxRecords: KINDS.maxRecords,
  maxStoredBytes: KINDS.maxStoredBytes,
  recordBody: { schema: v.boolean(), allowed: 'must be true or false' },
  recordDelivery: KINDS.recordDelivery,
  redactDelivery: { schema: FUNCTION, allowed: 'must be a function' },
  index: { schema: FUNCTION, allowed: 'must be a function' },
  redactHeaders: {
    schema: v.array(v.pipe(v.string(), v.regex(HEADER_NAME))),
    allowed: 'must be a list of header names',
  },
}

/** Further options are passed to the driver. */
const SENTINEL = v.strictObject({
  host: v.pipe(v.string(), v.minLength(1)),
  port: v.optional(whole(1, 65_535), 26_379),
})
const REDIS = v.union([
  v.looseObject({
    sentinels: v.pipe(v.array(SENTINEL), v.minLength(1)),
    name: v.pipe(v.string(), v.minLength(1)),
  }),
  v.looseObject({ cluster: v.pipe(v.array(v.pipe(v.string(), v.regex(/^rediss?:\/\/./))), v.minLength(1)) }),
])

const SOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export const DEFAULT_NAMES = ['hookonce.config.mjs', 'hookonce.config.js', 'hookonce.config.ts']

/** Loads the named file, or the config file in the folder if there is one. */
export async function loadConfigFile(folder: string, named: string | undefined): Promise<ConfigFile | undefined> {
  const shown = named ?? defaultName(folder)
  if (shown === undefined) return undefined
  const path = resolve(folder, shown)
  if (!existsSync(path)) throw new StartError(`config file ${path} does not exist`)
  let content: unknown
  try {
    content = await importDefault(path)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new StartError(`config file ${path} cannot be loaded: ${message.split('\n', 1)[0]}`)
  }
  return { path, ...readConfig(content, shown) }
}

function defaultName(folder: string): string | undefined {
  const [first, second] = DEFAULT_NAMES.filter(name => existsSync(resolve(folder, name)))
  if (second !== undefined) {
    throw new StartError(`${first} and ${second} are both in ${folder}; keep one, or say which with --config`)
  }
  return first
}

function readConfig(content: unknown, file: string): Omit<ConfigFile, 'path'> {
  if (!isObject(content)) throw new StartError(`${file}: must have a default export, made with defineConfig({ … })`)
  const settings: GivenSettings = new Map()
  const sources = new Map<string, SourceConfig>()
  for (const [field, value] of Object.entries(content)) {
    const name = SETTING_NAMES.find(known => known === field)
    if (name !== undefined) {
      if (value !== undefined) settings.set(name, { value, where: `${field} in ${file}` })
    } else if (field !== 'sources' && field !== 'redis') {
      const known = [...SETTING_NAMES, 'redis', 'sources']
      throw new StartError(`${field} in ${file} is not a setting${didYouMean(field, known)}`)
    }
  }
  const redis = v.safeParse(v.optional(REDIS), (content as { redis?: unknown }).redis)
  if (!redis.success) {
    throw new StartError(
      `redis in ${file} must be { sentinels: [{ host, port }], name } or { cluster: ['redis://host:port'] }, with options of ioredis`,
    )
  }
  const given = (content as { sources?: unknown }).sources ?? {}
  if (!isObject(given)) throw new StartError(`sources in ${file} must be an object: { name: { … } }`)
  for (const [name, source] of Object.entries(given)) sources.set(name, readSource(name, source, file))
  return { settings, redis: redis.output, sources }
}

function readSource(name: string, source: unknown, file: string): SourceConfig {
  const where = (field: string) => `sources.${name}${field} in ${file}`
  if (!SOURCE_NAME.test(name)) {
    throw new StartError(`${where('')}: a source's name is up to 100 letters, digits, dots, dashes and underscores`)
  }
  if (!isObject(source)) throw new StartError(`${where('')} must be an object`)
  const read: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(source)) {
    const rule = Object.hasOwn(FIELDS, field) ? FIELDS[field as keyof SourceConfig] : undefined
    if (rule === undefined) {
      throw new StartError(`${where(`.${field}`)} is not a field of a source${didYouMean(field, Object.keys(FIELDS))}`)
    }
    if (value === undefined) continue
    const result = v.safeParse(rule.schema, value)
    if (!result.success) throw new StartError(`${where(`.${field}`)} ${rule.allowed}`)
    read[field] = result.output
  }
  return read
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
