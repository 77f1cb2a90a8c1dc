import type { InboxSourceOptions, SourceOptions } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import type { ClusterAddress } from 'hookonce/stores/redis'
import * as v from 'valibot'
import { type Capacity, capacityFor } from './capacity.js'
import { defaultSender } from './default-sender.js'
import { didYouMean } from './did-you-mean.js'
import { type GivenSettings, readEnvironment } from './environment.js'
import { type ConfigFile, loadConfigFile, type SourceConfig } from './file.js'
import { type OperatorAccess, operatorAccess } from './operator-access.js'
import { redacting, type Shown } from './redaction.js'
import { type SecretWarning, secretWarnings } from './secret-warnings.js'
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName, type Settings } from './settings.js'
import { checkForwardedHandshakes, type SourceHandle, sourceHandle } from './source-handle.js'
import { StartError } from './start-error.js'
import type { StoreOptions } from './store-options.js'
import { assertReadable, parseStoreUrl, type StoreLocation } from './store-url.js'

export interface ResolvedSource {
  handle: SourceHandle
  options: SourceOptions & { lockTtlMs: number; leaseMs: number; maxBodyBytes: number }
  /** Senders of other schemes with its sender's secrets, where these are known. */
  otherSchemes?: () => readonly Sender[]
  /** Which parts of its records operators see. */
  shown: Shown
  /** Which of its deliveries are kept for operators, and what of them. */
  kept: { which: 'failed' | 'all' | 'none'; redact?: SourceConfig['redactDelivery'] }
  /** The terms of an event. */
  index?: SourceConfig['index']
  /** Whether handshakes are forwarded to its application. */
  forwardHandshakes: boolean
  /** In mode `inline`: the rate limit. */
  ratePerSecond?: number
  /** In mode `inbox`. */
  inbox?: Pick<InboxSourceOptions, 'concurrency' | 'ratePerSecond' | 'retryDelaysMs' | 'group' | 'acceptedStatus'>
}

/** The whole configuration, validated, in milliseconds and bytes. */
export interface ResolvedConfig extends Capacity {
  host: string
  port: number
  store: StoreLocation
  storeOptions: StoreOptions
  /** 0: no limit. */
  maxEventLoopDelayMs: number
  /** How many accepted deliveries are attempted at once; 0: none. */
  inboxConcurrency: number
  /** Whether the events that are processed are indexed. */
  hasEventIndex: boolean
  /** The port of a worker's health and metrics; `undefined`: none. */
  workPort: number | undefined
  drainMs: number
  logLevel: NonNullable<Settings['logLevel']>
  logFormat: NonNullable<Settings['logFormat']>
  logDeliveries: number
  logKeys: NonNullable<Settings['logKeys']>
  operatorAccess: OperatorAccess
  /** Whether `POST /webhook/no-idempotency` exists. */
  allowNoIdempotency: boolean
  /** The source `default` always exists. */
  sources: Map<string, ResolvedSource>
  secretWarnings: readonly SecretWarning[]
  configFile: string | undefined
}

export interface ConfigInput {
  flags?: GivenSettings
  env: NodeJS.ProcessEnv
  /** The working folder: of the config file and of relative paths. */
  folder: string
  configFile?: string | undefined
  /** Whether stdout is one. Default `false`. */
  isTerminal?: boolean
}

/** Precedence: flag, environment, config file, default. @throws {StartError} */
export async function resolveConfig(input: ConfigInput): Promise<ResolvedConfig> {
  const environment = readEnvironment(input.env)
  const file = await loadConfigFile(input.folder, input.configFile)
  const given: GivenSettings = new Map([
    ...(file?.settings ?? []),
    ...environment,
    ...(input.flags ?? (new Map() as GivenSettings)),
  ])
  const settings = checkSettings(given)
  assertReadable(settings.postgresListenUrl ?? '', given.get('postgresListenUrl')?.where ?? '')
  const where = (name: SettingName): string => given.get(name)?.where ?? SETTINGS[name].env
  const sources = new Map<string, ResolvedSource>()
  const byDefault = defaultSender(settings, name => given.get(name))
  for (const [name, source] of [['default', {}] as const, ...(file?.sources ?? [])]) {
    const mode = source.mode ?? (name === 'default' ? settings.mode : undefined) ?? 'inline'
    const ratePerSecond = source.ratePerSecond ?? (name === 'default' ? settings.ratePerSecond : undefined)
    const sent = name === 'default' ? withSender(source, byDefault?.sender, where('sender')) : source
    const forwardHandshakes = source.forwardHandshakes ?? (name === 'default' && settings.forwardHandshakes === true)
    const own = { ...sent, mode, forwardHandshakes, ...(ratePerSecond !== undefined && { ratePerSecond }) }
    const resolved = resolveSource(name, own, { settings, given, where })
    const { otherSchemes } = (name === 'default' && byDefault) || {}
    sources.set(name, { ...resolved, ...(otherSchemes !== undefined && { otherSchemes }) })
  }
  const logFormat = settings.logFormat ?? (input.isTerminal ? 'pretty' : 'json')
  const store = storeLocation(file, given, settings, input.folder)
  const accessInput = { settings, where: where('operatorAccess'), store, sources, ofFile: file?.sources.keys() }
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
    ...capacityFor(settings, sources, where),
    maxEventLoopDelayMs: settings.maxEventLoopDelayMs ?? 0,
    inboxConcurrency: settings.inboxConcurrency ?? 0,
    hasEventIndex: settings.eventIndex ?? true,
    workPort: settings.workPort,
    drainMs: ms(settings.drainSeconds ?? 0),
    logLevel: settings.logLevel ?? 'info',
    logFormat,
    logDeliveries: settings.logDeliveries ?? SETTINGS.logDeliveries.default!,
    logKeys: settings.logKeys ?? (logFormat === 'pretty' ? 'plain' : 'none'),
    operatorAccess: operatorAccess(accessInput),
    allowNoIdempotency: settings.allowNoIdempotency || sources.get('default')!.options.sender === undefined,
    sources,
    secretWarnings: secretWarnings({ given, sources, adminToken: settings.adminToken }),
    configFile: file?.path,
  }
}

/** A URL by flag or environment takes precedence over the file's `redis`. */
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
      for (const node of cluster) assertReadable(node, 'redis.cluster')
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
    const found = given.get(name)
    if (found === undefined) {
      if (byDefault !== undefined) settings[name] = byDefault
      continue
    }
    const result = v.safeParse(schema, found.value)
    // URLs may contain credentials, and tokens are credentials: neither is shown.
    const hidden = secret || name === 'forwardTo' || name === 'publicUrl' || typeof found.value === 'object'
    const shown = hidden ? '' : `, not ${JSON.stringify(found.value)}`
    const guess = values === undefined || typeof found.value !== 'string' ? '' : didYouMean(found.value, values)
    if (!result.success) throw new StartError(`${found.where} ${allowed}${shown}${guess}`)
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

/** @throws {StartError} both the settings and the config file name a sender */
function withSender(source: SourceConfig, sender: Sender | undefined, where: string): SourceConfig {
  if (sender === undefined) return source
  if (source.sender !== undefined) throw new StartError(`${where} and sources.default.sender are both set; keep one`)
  return { ...source, sender }
}

/** Dead deliveries are kept over a weekend. */
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
  // The default of a setting does not override the default of a sender.
  const unlessSender = <T>(field: SettingName, value: T): T | undefined =>
    sender === undefined || given.has(field) ? value : undefined
  const keyRequired = source.keyRequired ?? (sender === undefined ? false : undefined)
  const fingerprint = source.fingerprint ?? unlessSender('fingerprint', settings.fingerprint)
  const wait = source.waitSeconds ?? unlessSender('waitSeconds', settings.waitSeconds)
  const inboxRetention = source.mode === 'inbox' && !given.has('retentionSeconds') ? INBOX_RETENTION_SECONDS : undefined
  const retention =
    source.retentionSeconds ?? unlessSender('retentionSeconds', inboxRetention ?? settings.retentionSeconds)
  const handled = sourceHandle(name, source.handle, lockTtl, settings, where)
  if (source.forwardHandshakes)
    checkForwardedHandshakes(
      handled,
      sender,
      given.has('forwardHandshakes') ? where('forwardHandshakes') : `sources.${name}.forwardHandshakes`,
    )
  if (source.index !== undefined && settings.eventIndex === false) {
    throw new StartError(`sources.${name}.index needs ${where('eventIndex')} to be true`)
  }
  return {
    forwardHandshakes: source.forwardHandshakes === true,
    ...(source.index !== undefined && { index: source.index }),
    ...(source.mode === 'inbox' && { inbox: inboxOptions(source) }),
    ...(source.mode !== 'inbox' && source.ratePerSecond !== undefined && { ratePerSecond: source.ratePerSecond }),
    handle: handled,
    shown: {
      bodies: source.recordBody ?? true,
      redactedHeaders: redacting(...(sender?.secretHeaders ?? []), ...(source.redactHeaders ?? [])),
    },
    kept: {
      which: source.mode === 'inbox' ? 'none' : whichKept(source, settings),
      ...(source.redactDelivery !== undefined && { redact: source.redactDelivery }),
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

function whichKept({ recordDelivery, recordBody }: SourceConfig, settings: Settings): ResolvedSource['kept']['which'] {
  if (recordDelivery !== undefined) return recordDelivery
  return recordBody === false ? 'none' : (settings.recordDelivery ?? 'failed')
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

/** A lease must outlast two store operations that time out. */
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
