import { SENDERS } from 'hookonce/senders'
import type * as v from 'valibot'
import { isHttpUrl, isSecret, KINDS, type Kind, number, oneOf, text, YES_OR_NO } from './kinds.js'

export interface Setting<T = unknown> extends Kind<T> {
  env: string
  /** Without it the setting is absent, or depends on others as `defaultText` describes. */
  default?: T
  defaultText?: string
  meaning: string
  /** May come from a file named by `…_FILE`, and is never shown. */
  secret?: true
}

function setting<T>(kind: Kind<T>, env: string, about: Omit<Setting<NoInfer<T>>, 'env' | keyof Kind<T>>): Setting<T> {
  return { ...kind, env, ...about }
}

/** Every setting: `--help`, the environment, the config file and the documentation follow from this table. */
export const SETTINGS = {
  host: setting(
    text('must be a host name or an IP address', value => /^[A-Za-z0-9.:_-]{1,255}$/.test(value)),
    'HOST',
    { default: 'localhost', meaning: 'where to listen; localhost is both loopback addresses, 0.0.0.0 every one' },
  ),
  port: setting(number(0, 65_535, 'whole number'), 'PORT', { default: 8000, meaning: 'port; 0 takes a free one' }),
  storeUrl: setting(
    text('must be memory:, sqlite:PATH, redis://…, rediss://… or postgres://…', value => value !== ''),
    'HOOKONCE_STORE_URL',
    {
      secret: true,
      default: 'sqlite:./data/hookonce.db',
      meaning: 'where records are kept; the path of sqlite: is from the working folder',
    },
  ),
  retentionSeconds: setting(KINDS.retentionSeconds, 'HOOKONCE_TTL_SECONDS', {
    default: 3600,
    meaning: 'how long a result is replayed, from its completion',
  }),
  lockTtlSeconds: setting(KINDS.lockTtlSeconds, 'HOOKONCE_LOCK_TTL_SECONDS', {
    default: 300,
    meaning: 'longest hold of a key by one attempt',
  }),
  leaseSeconds: setting(KINDS.leaseSeconds, 'HOOKONCE_LEASE_SECONDS', {
    defaultText: '15, or the lock TTL if that is shorter',
    meaning: 'how long a key stays held after its process died; renewed every third; at most the lock TTL',
  }),
  waitSeconds: setting(KINDS.waitSeconds, 'HOOKONCE_WAIT_SECONDS', {
    default: 10,
    meaning: 'how long a duplicate waits for a running attempt; 0: 409 at once',
  }),
  maxWaiters: setting(number(0, 10_000_000, 'whole number'), 'HOOKONCE_MAX_WAITERS', {
    defaultText: '10000, or half of what may be in flight if that is less',
    meaning: 'how many duplicates may wait at once; one more is answered 409',
  }),
  maxInFlight: setting(number(1, 10_000_000, 'whole number'), 'HOOKONCE_MAX_IN_FLIGHT', {
    defaultText: '10000 more than may wait',
    meaning: 'how many deliveries may be in flight at once, waiting ones included; one more is answered 503',
  }),
  maxEventLoopDelayMs: setting(number(0, 60_000), 'HOOKONCE_MAX_EVENT_LOOP_DELAY_MS', {
    default: 1000,
    meaning: 'how far this process may fall behind before new deliveries are answered 503; 0: any far',
  }),
  ratePerSecond: setting(KINDS.ratePerSecond, 'HOOKONCE_RATE_PER_SECOND', {
    defaultText: 'no limit',
    meaning:
      'how many deliveries of the default source may begin in a second in this process: more are answered 429, those of an inbox wait',
  }),
  maxBodyBytes: setting(KINDS.maxBodyBytes, 'HOOKONCE_MAX_BODY_BYTES', {
    default: 1_048_576,
    meaning: 'largest delivery; more is answered 413',
  }),
  maxBodyMemoryBytes: setting(number(1, Number.MAX_SAFE_INTEGER, 'whole number'), 'HOOKONCE_MAX_BODY_MEMORY_BYTES', {
    defaultText: 'a quarter of the memory that this process may use, at least the largest delivery',
    meaning: 'what the bodies of deliveries may hold together; more is answered 503, the unfinished first',
  }),
  maxConnections: setting(number(1, 10_000_000, 'whole number'), 'HOOKONCE_MAX_CONNECTIONS', {
    defaultText: '5000 more than may be in flight, or three quarters of the files that may be open if that is less',
    meaning: 'how many connections may be open at once on each address; one more is closed as it comes',
  }),
  maxResponseBytes: setting(KINDS.maxResponseBytes, 'HOOKONCE_MAX_RESPONSE_BYTES', {
    default: 1_048_576,
    meaning: 'largest response body that is recorded; of larger ones status and headers are',
  }),
  maxRecords: setting(KINDS.maxRecords, 'HOOKONCE_MAX_RECORDS', {
    default: 10_000_000,
    meaning: 'how many records one source keeps, about; a delivery with a new key is then answered 507; 0: any number',
  }),
  maxStoredBytes: setting(KINDS.maxStoredBytes, 'HOOKONCE_MAX_STORED_BYTES', {
    defaultText: '10737418240 (10 GiB); in memory: 536870912',
    meaning: 'how many bytes of results, deliveries and names one source keeps, about; then 507 as well; 0: any number',
  }),
  storeTimeoutSeconds: setting(number(0.01, 60), 'HOOKONCE_STORE_TIMEOUT_SECONDS', {
    defaultText: '2, or a third of the lease if that is shorter',
    meaning: 'one store operation; at most a third of the lease',
  }),
  redisPrefix: setting(
    text('must be up to 100 characters without braces', value => /^[^{}]{0,100}$/.test(value)),
    'HOOKONCE_REDIS_PREFIX',
    { default: 'hookonce:', meaning: "what the names of this receiver's keys in Redis begin with" },
  ),
  redisAllowEviction: setting(YES_OR_NO, 'HOOKONCE_REDIS_ALLOW_EVICTION', {
    default: false,
    meaning: 'start although Redis may drop records when it is full (maxmemory-policy): duplicates may then run again',
  }),
  postgresSchema: setting(
    text('must be up to 50 lower-case letters, digits and _', value => /^[a-z_][a-z0-9_]{0,49}$/.test(value)),
    'HOOKONCE_POSTGRES_SCHEMA',
    { default: 'hookonce', meaning: 'the schema that holds the tables in Postgres' },
  ),
  postgresListenUrl: setting(
    text('must be postgres://… or off', value => value === 'off' || /^postgres(ql)?:\/\/./.test(value)),
    'HOOKONCE_POSTGRES_LISTEN_URL',
    {
      secret: true,
      defaultText: 'as the store URL',
      meaning:
        'a direct connection for LISTEN when the store URL is a pooler (PgBouncer); off: waiters look from time to time',
    },
  ),
  postgresPoolSize: setting(number(3, 1000, 'whole number'), 'HOOKONCE_POSTGRES_POOL_SIZE', {
    default: 10,
    meaning: 'most connections to Postgres of one process',
  }),
  forwardTo: setting(KINDS.forwardTo, 'HOOKONCE_FORWARD_TO', {
    defaultText: 'none: deliveries are acknowledged here',
    meaning: 'URL of the application that deliveries are forwarded to',
  }),
  forwardTimeoutSeconds: setting(KINDS.forwardTimeoutSeconds, 'HOOKONCE_FORWARD_TIMEOUT_SECONDS', {
    defaultText: '30, or the lock TTL if that is shorter',
    meaning: "how long the application's answer may take, body included; at most the lock TTL",
  }),
  forwardHandshakes: setting(KINDS.forwardHandshakes, 'HOOKONCE_FORWARD_HANDSHAKES', {
    default: false,
    meaning:
      'hand HEAD, GET and OPTIONS of the default source on to the application, for senders that ask before they deliver; nothing of them is recorded',
  }),
  fingerprint: setting(KINDS.fingerprint, 'HOOKONCE_FINGERPRINT', {
    default: 'body',
    meaning: 'body: a key reused with another body is answered 422; none: never compared',
  }),
  mode: setting(KINDS.mode, 'HOOKONCE_MODE', {
    default: 'inline',
    meaning:
      'inline: a delivery is answered with its result; inbox: it is stored and acknowledged at once, and worked on until it succeeds',
  }),
  sender: setting(oneOf(...SENDERS.keys()), 'HOOKONCE_SENDER', {
    defaultText: 'none: anybody may deliver',
    meaning: 'who delivers to the default source: what that sender did not sign is answered 401',
  }),
  secret: setting(
    text('must be what the sender’s console shows; several on a line each', value => value !== ''),
    'HOOKONCE_SECRET',
    {
      secret: true,
      defaultText: 'none',
      meaning:
        'what the sender signs with; several while one is replaced, a line each (generated ones also with commas between)',
    },
  ),
  publicUrl: setting(
    text('must be an http:// or https:// URL without a fragment, user and password percent-encoded', isHttpUrl),
    'HOOKONCE_PUBLIC_URL',
    {
      defaultText: 'none',
      meaning: 'the URL that the sender was told, letter for letter: some sign it',
    },
  ),
  verifyToken: setting(
    text('must be 1 to 1024 characters', value => /^.{1,1024}$/.test(value)),
    'HOOKONCE_VERIFY_TOKEN',
    { secret: true, defaultText: 'none', meaning: 'the word that the sender was told to show in its handshake' },
  ),
  allowNoIdempotency: setting(YES_OR_NO, 'HOOKONCE_ALLOW_NO_IDEMPOTENCY', {
    default: false,
    meaning: 'keep /webhook/no-idempotency, authenticated, when the default source has a sender',
  }),
  recordDelivery: setting(KINDS.recordDelivery, 'HOOKONCE_RECORD_DELIVERY', {
    defaultText: 'failed; of a source that records no bodies: none',
    meaning:
      'which deliveries of sources in mode inline are kept for operators, to be looked at and replayed: failed, those whose attempt failed; all; none',
  }),
  eventIndex: setting(YES_OR_NO, 'HOOKONCE_EVENT_INDEX', {
    default: true,
    meaning:
      'keep an index of the events that are processed, about 100 bytes each, so that operators find them by time, type, beginning of the key and terms, newest first on Redis too',
  }),
  inboxConcurrency: setting(number(0, 10_000, 'whole number'), 'HOOKONCE_INBOX_CONCURRENCY', {
    default: 20,
    meaning: 'how many accepted deliveries are worked on at once in this process; 0: none, others do (hookonce work)',
  }),
  workPort: setting(number(0, 65_535, 'whole number'), 'HOOKONCE_WORK_PORT', {
    defaultText: 'none: it listens on no port',
    meaning: 'where hookonce work answers /healthz, /readyz and /metrics; 0 takes a free port',
  }),
  adminToken: setting(
    text(
      'must be 8 to 1024 visible ASCII characters, and no word like changeme',
      value => /^[\x21-\x7e]{8,1024}$/.test(value) && isSecret(value),
    ),
    'HOOKONCE_ADMIN_TOKEN',
    {
      secret: true,
      defaultText: 'none; where there is something to protect one is kept beside the SQLite file (operator-token)',
      meaning: 'bearer token for the operator routes',
    },
  ),
  operatorAccess: setting(oneOf('token', 'local', 'open'), 'HOOKONCE_OPERATOR_ACCESS', {
    defaultText: 'token if one is set or anything is to be protected, else local when listening on loopback only',
    meaning:
      'who may use the operator routes: token, or without one: local (whoever is on this machine, in a trial), open (whoever reaches the port, with nothing to protect)',
  }),
  drainSeconds: setting(number(0, 3600), 'HOOKONCE_DRAIN_SECONDS', {
    default: 25,
    meaning: 'how long running attempts may take to finish at shutdown',
  }),
  logLevel: setting(oneOf('debug', 'info', 'warn', 'error', 'silent'), 'LOG_LEVEL', {
    default: 'info',
    meaning: 'logs on stdout; keys as HOOKONCE_LOG_KEYS says, bodies of deliveries and secrets never',
  }),
  logFormat: setting(oneOf('pretty', 'json'), 'LOG_FORMAT', {
    defaultText: 'pretty where stdout is a terminal, else json',
    meaning: 'json: lines for programs; pretty: for people, with one for each delivery',
  }),
  logDeliveries: setting(number(0, 1), 'HOOKONCE_LOG_DELIVERIES', {
    default: 0,
    meaning:
      'share of the deliveries that go well, and of the attempts out of an inbox, with a line of their own in the log: 1 each, 0.01 one in a hundred, by chance; those that fail always have one',
  }),
  logKeys: setting(oneOf('none', 'hash', 'plain'), 'HOOKONCE_LOG_KEYS', {
    defaultText: 'none; for LOG_FORMAT=pretty plain',
    meaning:
      'idempotency keys in the log: none, the first 16 hexadecimal digits of their SHA-256, or as they are (pretty shortens long ones); at LOG_LEVEL=debug always as they are',
  }),
} as const

export type SettingName = keyof typeof SETTINGS

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

/** A setting's value; those without a default may be absent. */
export type Settings = {
  [Name in SettingName]?: v.InferOutput<(typeof SETTINGS)[Name]['schema']>
}

/** `HOOKONCE_STORE_URL` is `--store-url`. */
export function flagOf(name: SettingName): string {
  return SETTINGS[name].env
    .replace(/^HOOKONCE_/, '')
    .toLowerCase()
    .replaceAll('_', '-')
}

/** The default of a setting, in words. */
export function defaultOf(name: SettingName): string {
  const { default: value, defaultText } = SETTINGS[name] as Setting
  return defaultText ?? String(value)
}
