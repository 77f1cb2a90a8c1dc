import type { InboxSourceOptions, SourceOptions } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import type { ClusterAddress } from 'hookonce/stores/redis'
import * as v from 'valibot'
import { defaultSender } from './default-sender.js'
import { didYouMean } from './did-you-mean.js'
import { type GivenSettings, readEnvironment } from './environment.js'
import { type ConfigFile, loadConfigFile, type SourceConfig } from './file.js'
import { type OperatorAccess, operatorAccess } from './operator-access.js'
import { redacting, type Shown } from './redaction.js'
import { type Room, roomFor } from './room.js'
import { type SecretWarning, secretWarnings } from './secret-warnings.js'
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName, type Settings } from './settings.js'
import { checkForwardedHandshakes, type SourceHandle, sourceHandle } from './source-handle.js'
import { StartError } from './start-error.js'
import type { StoreOptions } from './store-options.js'
import { mustBeReadable, parseStoreUrl, type StoreLocation } from './store-url.js'

export interface ResolvedSource {
  handle: SourceHandle
  options: SourceOptions & { lockTtlMs: number; leaseMs: number; maxBodyBytes: number }
  /** What operators are shown of its records. */
  shown: Shown
  /** Whether its application is asked what is asked of it. */
  forwardHandshakes: boolean
  /** Of a source that answers with the result: how many deliveries it takes in a second. */
  ratePerSecond?: number
  /** Of a source that accepts at once and works later. */
  inbox?: Pick<InboxSourceOptions, 'concurrency' | 'ratePerSecond' | 'retryDelaysMs' | 'group' | 'acceptedStatus'>
}

/** Everything the server needs, checked, in milliseconds and bytes. */
export interface ResolvedConfig extends Room {
  host: string
  port: number
  store: StoreLocation
  storeOptions: StoreOptions
  /** 0: any delay. */
  maxEventLoopDelayMs: number
  /** How many accepted deliveries are worked on at once; 0: none. */
  inboxConcurrency: number
  /** Where a worker tells how it is; `undefined`: nowhere. */
  workPort: number | undefined
  drainMs: number
  logLevel: NonNullable<Settings['logLevel']>
  logKeys: NonNullable<Settings['logKeys']>
  operatorAccess: OperatorAccess
  /** Whether `POST /webhook/no-idempotency` is there. */
  allowNoIdempotency: boolean
  /** The `default` source is always there. */
  sources: Map<string, ResolvedSource>
  secretWarnings: readonly SecretWarning[]
  configFile: string | undefined
}

export interface ConfigInput {
  flags?: GivenSettings
  env: NodeJS.ProcessEnv
  /** The working folder: where the config file is looked for, and what relative paths are relative to. */
  folder: string
  configFile?: string | undefined
}

/** Flag before environment before config file before default. @throws {StartError} */
export async function resolveConfig(input: ConfigInput): Promise<ResolvedConfig> {
  const environment = readEnvironment(input.env)
  const file = await loadConfigFile(input.folder, input.configFile)
  const given: GivenSettings = new Map([
    ...(file?.settings ?? []),
    ...environment,
    ...(input.flags ?? (new Map() as GivenSettings)),
  ])
  const settings = checkSettings(given)
  mustBeReadable(settings.postgresListenUrl ?? '', given.get('postgresListenUrl')?.where ?? '')
  const where = (name: SettingName): string => given.get(name)?.where ?? SETTINGS[name].env
  const sources = new Map<string, ResolvedSource>()
  const sender = defaultSender(settings, name => given.get(name))
  for (const [name, source] of [['default', {}] as const, ...(file?.sources ?? [])]) {
    const mode = source.mode ?? (name === 'default' ? settings.mode : undefined) ?? 'inline'
    const ratePerSecond = source.ratePerSecond ?? (name === 'default' ? settings.ratePerSecond : undefined)
    const sent = name === 'default' ? withSender(source, sender, where('sender')) : source
    const forwardHandshakes = source.forwardHandshakes ?? (name === 'default' && settings.forwardHandshakes === true)
    const own = { ...sent, mode, forwardHandshakes, ...(ratePerSecond !== undefined && { ratePerSecond }) }
    sources.set(name, resolveSource(name, own, { settings, given, where }))
  }
  const store = storeLocation(file, given, settings, input.folder)
  const ruledBy = { settings, where: where('operatorAccess'), store, sources, ofFile: file?.sources.keys() }
  return {
    host: settings.host ?? '',
    port: settings.port ?? 0,
    store,
    storeOptions: {
      storeTimeoutMs: storeTimeout(settings, sources, where('storeTimeoutSeconds')),
      longestAttemptMs: Math.max(...[...sources.values()].map(source => source.options.lockTtlMs)),
      redisPrefix: settings.redisPrefix ?? '',
      redisAllowEviction: settings.redisAllowEviction ?? false,
      postgresSchema: settings.postgresSchema ?? '',
      postgresListenUrl: settings.postgresListenUrl,
      postgresPoolSize: settings.postgresPoolSize ?? 0,
    },
    ...roomFor(settings, sources, where),
    maxEventLoopDelayMs: settings.maxEventLoopDelayMs ?? 0,
    inboxConcurrency: settings.inboxConcurrency ?? 0,
    workPort: settings.workPort,
    drainMs: ms(settings.drainSeconds ?? 0),
    logLevel: settings.logLevel ?? 'info',
    logKeys: settings.logKeys ?? 'none',
    operatorAccess: operatorAccess(ruledBy),
    allowNoIdempotency: settings.allowNoIdempotency || sources.get('default')!.options.sender === undefined,
    sources,
    secretWarnings: secretWarnings({ given, sources, adminToken: settings.adminToken }),
    configFile: file?.path,
  }
}

/** A URL by flag or environment beats the file's `redis`, which says what no URL can. */
function storeLocation(
  file: ConfigFile | undefined,
  given: GivenSettings,
  settings: Settings,
  folder: string,
): StoreLocation {
  const url = given.get('storeUrl')
  if (file?.redis !== undefined) {
    if (url === undefined) {
      const { cluster = [] } = file.redis as Partial<ClusterAddress>
      for (const node of cluster) mustBeReadable(node, 'redis.cluster')
      return { kind: 'redis', address: file.redis }
    }
    if (url === file.settings.get('storeUrl')) throw new StartError(`redis and ${url.where} are both set; keep one`)
  }
  return parseStoreUrl({ value: settings.storeUrl ?? '', where: url?.where ?? SETTINGS.storeUrl.env }, folder)
}

function checkSettings(given: GivenSettings): Settings {
  const settings: Record<string, unknown> = {}
  for (const name of SETTING_NAMES) {
    const { schema, allowed, values, secret, default: byDefault } = SETTINGS[name] as Setting
    const said = given.get(name)
    if (said === undefined) {
      if (byDefault !== undefined) settings[name] = byDefault
      continue
    }
    const result = v.safeParse(schema, said.value)
    // A URL may hold credentials, a token is one: neither is shown.
    const hidden = secret || name === 'forwardTo' || name === 'publicUrl' || typeof said.value === 'object'
    const shown = hidden ? '' : `, not ${JSON.stringify(said.value)}`
    const guess = values === undefined || typeof said.value !== 'string' ? '' : didYouMean(said.value, values)
    if (!result.success) throw new StartError(`${said.where} ${allowed}${shown}${guess}`)
    settings[name] = result.output
  }
  return settings
}

type Where = (name: SettingName) => string

interface Context {
  settings: Settings
  given: GivenSettings
  where: Where
}

/** @throws {StartError} the settings name a sender, and the config file another */
function withSender(source: SourceConfig, sender: Sender | undefined, where: string): SourceConfig {
  if (sender === undefined) return source
  if (source.sender !== undefined) throw new StartError(`${where} and sources.default.sender are both set; keep one`)
  return { ...source, sender }
}

/** Who looks at dead deliveries may be away for a week-end. */
const INBOX_RETENTION_SECONDS = 604_800

function resolveSource(name: string, source: SourceConfig, { settings, given, where }: Context): ResolvedSource {
  const at = (field: keyof SourceConfig & SettingName) =>
    source[field] === undefined ? where(field) : `sources.${name}.${field}`
  const lockTtl = source.lockTtlSeconds ?? settings.lockTtlSeconds ?? 0
  const lease = source.leaseSeconds ?? settings.leaseSeconds ?? Math.min(15, lockTtl)
  if (lease > lockTtl) {
    throw new StartError(`${at('leaseSeconds')} (${lease}) must be at most ${at('lockTtlSeconds')} (${lockTtl})`)
  }
  const { sender } = source
  // A sender's defaults are its own, and no setting's default overrides them.
  const ifItCounts = <T>(field: SettingName, value: T): T | undefined =>
    sender === undefined || given.has(field) ? value : undefined
  const keyRequired = source.keyRequired ?? (sender === undefined ? false : undefined)
  const fingerprint = source.fingerprint ?? ifItCounts('fingerprint', settings.fingerprint)
  const wait = source.waitSeconds ?? ifItCounts('waitSeconds', settings.waitSeconds)
  const inboxRetention = source.mode === 'inbox' && !given.has('retentionSeconds') ? INBOX_RETENTION_SECONDS : undefined
  const retention =
    source.retentionSeconds ?? ifItCounts('retentionSeconds', inboxRetention ?? settings.retentionSeconds)
  const handled = sourceHandle(name, source.handle, lockTtl, settings, where)
  if (source.forwardHandshakes)
    checkForwardedHandshakes(
      handled,
      sender,
      given.has('forwardHandshakes') ? where('forwardHandshakes') : `sources.${name}.forwardHandshakes`,
    )
  return {
    forwardHandshakes: source.forwardHandshakes === true,
    ...(source.mode === 'inbox' && { inbox: inboxOptions(source) }),
    ...(source.mode !== 'inbox' && source.ratePerSecond !== undefined && { ratePerSecond: source.ratePerSecond }),
    handle: handled,
    shown: {
      bodies: source.recordBody ?? true,
      redactedHeaders: redacting(...(sender?.secretHeaders ?? []), ...(source.redactHeaders ?? [])),
    },
    options: {
      name,
      ...(sender !== undefined && { sender }),
      ...(keyRequired !== undefined && { keyRequired }),
      ...(fingerprint !== undefined && { fingerprint }),
      ...(retention !== undefined && { retentionMs: ms(retention) }),
      lockTtlMs: ms(lockTtl),
      leaseMs: ms(lease),
      ...(wait !== undefined && { waitMs: ms(wait) }),
      maxBodyBytes: source.maxBodyBytes ?? settings.maxBodyBytes ?? 0,
      ...limitsOf(source, settings),
      maxResponseBytes: source.recordBody === false ? 0 : (source.maxResponseBytes ?? settings.maxResponseBytes ?? 0),
    },
  }
}

function limitsOf(source: SourceConfig, settings: Settings) {
  const maxRecords = source.maxRecords ?? settings.maxRecords
  const maxStoredBytes = source.maxStoredBytes ?? settings.maxStoredBytes
  return { ...(maxRecords !== undefined && { maxRecords }), ...(maxStoredBytes !== undefined && { maxStoredBytes }) }
}

function inboxOptions({ concurrency, ratePerSecond, retryDelaysSeconds, group, acceptedStatus }: SourceConfig) {
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    ...(retryDelaysSeconds !== undefined && { retryDelaysMs: retryDelaysSeconds.map(ms) }),
    ...(group !== undefined && { group }),
    ...(acceptedStatus !== undefined && { acceptedStatus }),
  }
}

/** Every lease must survive two store operations that time out. */
function storeTimeout(settings: Settings, sources: Map<string, ResolvedSource>, where: string): number {
  const shortest = Math.min(...[...sources.values()].map(source => source.options.leaseMs))
  const most = Math.floor(shortest / 3)
  if (settings.storeTimeoutSeconds === undefined) return Math.min(2000, most)
  const timeout = ms(settings.storeTimeoutSeconds)
  if (timeout > most) {
    const lease = shortest / 1000
    throw new StartError(`${where} (${timeout / 1000}) must be at most a third of the lease (${lease})`)
  }
  return timeout
}

function ms(seconds: number): number {
  return Math.round(seconds * 1000)
}
