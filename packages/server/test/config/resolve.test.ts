import { mkdirSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { SENDERS } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { help, parseCommandLine } from '../../src/cli/serve-options.js'
import { resolveConfig } from '../../src/config/resolve.js'
import { flagOf, SETTING_NAMES, SETTINGS, type Setting } from '../../src/config/settings.js'
import { placeOf } from '../../src/config/store-url.js'
import { temporaryFolder } from '../support/server.js'

async function config(env: Record<string, string> = {}, args: string[] = [], file?: string) {
  const folder = temporaryFolder()
  if (file !== undefined) writeFileSync(join(folder, 'hookonce.config.mjs'), `export default ${file}`)
  const command = parseCommandLine(args)
  if (command.name !== 'serve') throw new Error(command.name)
  return { folder, ...(await resolveConfig({ flags: command.given, configFile: command.configFile, env, folder })) }
}

const refused = (env: Record<string, string>, args?: string[], file?: string) =>
  expect(
    config(env, args, file).then(
      () => 'started',
      error => `${error.name} ${error.exitCode}: ${error.message}`,
    ),
  ).resolves

test('the defaults are those of the documentation', async () => {
  const container = process.constrainedMemory()
  const memory = container > 0 ? Math.min(container, totalmem()) : totalmem()
  const { folder, sources, ...rest } = await config()
  expect(rest).toEqual({
    host: 'localhost',
    port: 8000,
    store: { kind: 'sqlite', path: join(folder, 'data/hookonce.db') },
    storeOptions: {
      storeTimeoutMs: 2000,
      longestAttemptMs: 300_000,
      redisPrefix: 'hookonce:',
      redisAllowEviction: false,
      postgresSchema: 'hookonce',
      postgresListenUrl: undefined,
      postgresPoolSize: 10,
    },
    maxWaiters: 10_000,
    maxInFlight: 20_000,
    maxBodyMemoryBytes: Math.floor(memory / 4),
    maxConnections: expect.any(Number),
    maxEventLoopDelayMs: 1000,
    hasEventIndex: true,
    inboxConcurrency: 20,
    drainMs: 25_000,
    logLevel: 'info',
    logFormat: 'json',
    logDeliveries: 0,
    logKeys: 'none',
    operatorAccess: { mode: 'local', reason: expect.any(String) },
    allowNoIdempotency: true,
    secretWarnings: [],
    configFile: undefined,
  })
  expect(Object.fromEntries(sources)).toEqual({
    default: {
      handle: { kind: 'acknowledge' },
      forwardHandshakes: false,
      kept: { which: 'failed' },
      shown: { bodies: true, redactedHeaders: new Set(['authorization', 'cookie', 'proxy-authorization']) },
      options: {
        name: 'default',
        keyRequired: false,
        fingerprint: 'body',
        retentionMs: 3_600_000,
        lockTtlMs: 300_000,
        leaseMs: 15_000,
        waitMs: 10_000,
        maxBodyBytes: 1_048_576,
        maxResponseBytes: 1_048_576,
        maxRecords: 10_000_000,
      },
    },
  })
})

test('the help lists every setting with flag, variable and default', () => {
  const text = help()
  for (const name of SETTING_NAMES) {
    const { env, default: value } = SETTINGS[name] as Setting
    expect(text).toContain(`--${flagOf(name)} (${env})`)
    if (value !== undefined) expect(text).toContain(`default: ${value}`)
  }
})

test('precedence: flag, environment, config file, default', async () => {
  const file = '{ port: 1, waitSeconds: 1, retentionSeconds: 1 }'
  const { port, sources } = await config({ PORT: '2', HOOKONCE_WAIT_SECONDS: '2' }, ['--port', '3'], file)
  const { options } = sources.get('default')!
  expect([port, options.waitMs, options.retentionMs, options.lockTtlMs]).toEqual([3, 2000, 1000, 300_000])
})

test.each([
  ['a terminal', true, {}, ['pretty', 'plain']],
  ['no terminal', false, {}, ['json', 'none']],
  ['a terminal for programs', true, { LOG_FORMAT: 'json' }, ['json', 'none']],
  ['no terminal, but people', false, { LOG_FORMAT: 'pretty' }, ['pretty', 'plain']],
  ['a terminal that others see', true, { HOOKONCE_LOG_KEYS: 'none' }, ['pretty', 'none']],
])('the log at %s', async (_, isTerminal, env, expected) => {
  const { logFormat, logKeys } = await resolveConfig({ env, folder: temporaryFolder(), isTerminal })
  expect([logFormat, logKeys]).toEqual(expected)
})

test('an empty variable is not set', async () => {
  expect((await config({ PORT: '', HOOKONCE_FORWARD_TO: '' })).port).toBe(8000)
})

describe('unknown names stop the start', () => {
  test.each([
    [
      { HOOKONCE_LEASE_SECOND: '1' },
      'HOOKONCE_LEASE_SECOND in the environment is not a setting; did you mean HOOKONCE_LEASE_SECONDS?',
    ],
    [{ HOOKONCE_XYZ: '1' }, 'HOOKONCE_XYZ in the environment is not a setting'],
    [{ HOOKONCE_PORT: '8080' }, 'HOOKONCE_PORT in the environment is not a setting'],
  ])('%o', (env, message) => refused(env as never).toContain(`StartError 2: ${message}`))

  test('flags', async () => {
    await refused({}, ['--lease-second', '1']).toBe(
      'StartError 2: --lease-second is not an option; did you mean --lease-seconds?',
    )
    await refused({}, ['--port']).toBe('StartError 2: --port needs a value')
    await refused({}, ['--port', '--host', 'x']).toBe('StartError 2: --port needs a value')
    await refused({}, ['start']).toBe('StartError 2: unknown command start; try hookonce --help')
  })

  test('fields of the config file', async () => {
    await refused({}, [], '{ prt: 1 }').toBe(
      'StartError 2: prt in hookonce.config.mjs is not a setting; did you mean port?',
    )
    await refused({}, [], '{ sources: { a: { handel: 1 } } }').toContain(
      'sources.a.handel in hookonce.config.mjs is not a field of a source; did you mean handle?',
    )
  })

  test('except those that Kubernetes sets for a service named hookonce', async () => {
    const injected = (prefix: string) => ({
      [`${prefix}_SERVICE_HOST`]: '10.0.0.1',
      [`${prefix}_SERVICE_PORT`]: '8000',
      [`${prefix}_SERVICE_PORT_HTTP`]: '8000',
      [`${prefix}_PORT`]: 'tcp://10.0.0.1:8000',
      [`${prefix}_PORT_8000_TCP`]: 'tcp://10.0.0.1:8000',
      [`${prefix}_PORT_8000_TCP_PROTO`]: 'tcp',
      [`${prefix}_PORT_8000_TCP_PORT`]: '8000',
      [`${prefix}_PORT_8000_TCP_ADDR`]: '10.0.0.1',
    })
    const { port } = await config({ ...injected('HOOKONCE'), ...injected('HOOKONCE_REDIS') })
    expect(port).toBe(8000)
  })
})

describe('a value out of range stops the start and names the setting, its origin and the range', () => {
  test.each<[object, string[], string | undefined, string]>([
    [{ PORT: '65536' }, [], undefined, 'PORT must be a whole number from 0 to 65535, not "65536"'],
    [{ PORT: '8e3' }, [], undefined, 'PORT must be a whole number from 0 to 65535, not "8e3"'],
    [{}, ['--wait-seconds=-1'], undefined, '--wait-seconds must be a number from 0 to 3600, not "-1"'],
    [{}, [], '{ port: "x" }', 'port in hookonce.config.mjs must be a whole number from 0 to 65535, not "x"'],
    [
      { HOOKONCE_FINGERPRINT: 'header' },
      [],
      undefined,
      'HOOKONCE_FINGERPRINT must be one of: body, none, not "header"',
    ],
    [
      { HOOKONCE_FORWARD_TO: 'ftp://u:p@x' },
      [],
      undefined,
      'HOOKONCE_FORWARD_TO must be an http:// or https:// URL without a fragment, user and password percent-encoded',
    ],
    ...(['sqlite:', './x.db', 'redis:x', 'postgres://'] as const).map(
      (url): [Record<string, string>, string[], undefined, string] => [
        { HOOKONCE_STORE_URL: url },
        [],
        undefined,
        'HOOKONCE_STORE_URL must be memory:, sqlite:PATH, redis://HOST:PORT, rediss://… or postgres://HOST/DATABASE',
      ],
    ),
    [
      { HOOKONCE_STORE_URL: 'mysql://:pw@x' },
      [],
      undefined,
      'HOOKONCE_STORE_URL must be memory:, sqlite:PATH, redis://HOST:PORT, rediss://… or postgres://HOST/DATABASE, not mysql:',
    ],
    [
      { HOOKONCE_REDIS_ALLOW_EVICTION: 'yes' },
      [],
      undefined,
      'HOOKONCE_REDIS_ALLOW_EVICTION must be true or false, not "yes"',
    ],
    [
      {},
      [],
      '{ redis: { cluster: [] } }',
      "redis in hookonce.config.mjs must be { sentinels: [{ host, port }], name } or { cluster: ['redis://host:port'] }, with options of ioredis",
    ],
    [
      {},
      [],
      '{ storeUrl: "memory:", redis: { cluster: ["redis://x"] } }',
      'redis and storeUrl in hookonce.config.mjs are both set; keep one',
    ],
    [
      { HOOKONCE_ADMIN_TOKEN: 'short' },
      [],
      undefined,
      'HOOKONCE_ADMIN_TOKEN must be 8 to 1024 visible ASCII characters, and no word like changeme',
    ],
    [
      { HOOKONCE_LEASE_SECONDS: '400' },
      [],
      undefined,
      'HOOKONCE_LEASE_SECONDS (400) must be at most HOOKONCE_LOCK_TTL_SECONDS (300)',
    ],
    [
      { HOOKONCE_STORE_TIMEOUT_SECONDS: '6' },
      [],
      undefined,
      'HOOKONCE_STORE_TIMEOUT_SECONDS (6) must be at most a third of the lease (15)',
    ],
    [
      { HOOKONCE_FORWARD_TO: 'http://x', HOOKONCE_FORWARD_TIMEOUT_SECONDS: '400' },
      [],
      undefined,
      'HOOKONCE_FORWARD_TIMEOUT_SECONDS (400) must be at most the lock TTL (300)',
    ],
    [
      { HOOKONCE_SENDER: 'stirpe', HOOKONCE_SECRET: 'x' },
      [],
      undefined,
      `HOOKONCE_SENDER must be one of: ${[...SENDERS.keys()].join(', ')}, not "stirpe"; did you mean stripe?`,
    ],
    [{ HOOKONCE_SENDER: 'stripe' }, [], undefined, 'HOOKONCE_SENDER needs HOOKONCE_SECRET or HOOKONCE_SECRET_FILE'],
    [{ HOOKONCE_SECRET: 'x' }, [], undefined, 'HOOKONCE_SECRET needs HOOKONCE_SENDER'],
    [{}, ['--verify-token', 'x'], undefined, '--verify-token needs HOOKONCE_SENDER'],
    [{ HOOKONCE_PUBLIC_URL: 'https://x' }, [], undefined, 'HOOKONCE_PUBLIC_URL needs HOOKONCE_SENDER'],
    [
      { HOOKONCE_SENDER: 'stripe', HOOKONCE_SECRET: '\n' },
      [],
      undefined,
      'HOOKONCE_SECRET: stripe: at least one secret is needed',
    ],
    [
      { HOOKONCE_SENDER: 'stripe', HOOKONCE_SECRET: Array(11).fill('word-of-mine').join('\n') },
      [],
      undefined,
      'HOOKONCE_SECRET: stripe: at most 10 secrets are tried',
    ],
    ...['"stripe"', '() => 1', '{ facts: {} }'].map((sender): [object, string[], string, string] => [
      {},
      [],
      `{ sources: { a: { sender: ${sender} } } }`,
      'sources.a.sender in hookonce.config.mjs must be a sender, e.g. stripe({ secrets: […] }) of hookonce/senders/stripe',
    ]),
    [
      { HOOKONCE_SENDER: 'stripe', HOOKONCE_SECRET: 'of stripe' },
      [],
      '{ sources: { default: { sender: { facts: {}, verify() {}, key() {}, sign() {} } } } }',
      'HOOKONCE_SENDER and sources.default.sender are both set; keep one',
    ],
    [
      {},
      [],
      '{ sources: { a: { waitSeconds: -1 } } }',
      'sources.a.waitSeconds in hookonce.config.mjs must be a number from 0 to 3600',
    ],
    [
      {},
      [],
      '{ sources: { a: { leaseSeconds: 400 } } }',
      'sources.a.leaseSeconds (400) must be at most HOOKONCE_LOCK_TTL_SECONDS (300)',
    ],
    [
      {},
      [],
      '{ sources: { a: { handle: "x" } } }',
      'sources.a.handle in hookonce.config.mjs must be forward(url), acknowledge() or a function',
    ],
    [
      {},
      [],
      '{ sources: { a: { handle: { kind: "forward", url: "x", timeoutSeconds: undefined } } } }',
      'sources.a.handle: forward(): the URL must be an http:// or https:// URL without a fragment, user and password percent-encoded',
    ],
    [
      {},
      [],
      '{ sources: { "a/b": {} } }',
      "sources.a/b in hookonce.config.mjs: a source's name is up to 100 letters, digits, dots, dashes and underscores",
    ],
    [{}, [], '{ sources: [] }', 'sources in hookonce.config.mjs must be an object: { name: { … } }'],
    [{}, [], '4', 'hookonce.config.mjs: must have a default export, made with defineConfig({ … })'],
  ])('%o %o %s', (env, args, file, message) =>
    refused(env as Record<string, string>, args, file).toBe(`StartError 2: ${message}`),
  )
})

describe('a source with a sender', () => {
  const sender = 'sender: { facts: { deadlineMs: null, retryHorizonMs: null }, verify() {}, key() {}, sign() {} }'
  const optionsOf = async (env: Record<string, string>, more = '') =>
    (await config(env, [], `{ sources: { a: { ${sender}, ${more} } } }`)).sources.get('a')!.options

  test('has the sender’s defaults for retention, wait, fingerprint and key, not those of the settings', async () => {
    for (const more of ['', 'mode: "inbox"']) {
      const options = await optionsOf({}, more)
      for (const field of ['retentionMs', 'waitMs', 'fingerprint', 'keyRequired'])
        expect(options).not.toHaveProperty(field)
    }
  })

  test('has the values of the settings and of the source where they are given', async () => {
    const given = { HOOKONCE_TTL_SECONDS: '5', HOOKONCE_WAIT_SECONDS: '6', HOOKONCE_FINGERPRINT: 'body' }
    expect(await optionsOf(given)).toMatchObject({ retentionMs: 5000, waitMs: 6000, fingerprint: 'body' })
    const own = 'retentionSeconds: 1, waitSeconds: 2, fingerprint: "none", keyRequired: false'
    const options = { retentionMs: 1000, waitMs: 2000, fingerprint: 'none', keyRequired: false }
    expect(await optionsOf(given, own)).toMatchObject(options)
  })
})

test('the settings name the sender of the default source', async () => {
  const { sources, allowNoIdempotency } = await config({ HOOKONCE_SENDER: 'stripe', HOOKONCE_SECRET: 'of stripe' })
  expect(sources.get('default')!.options.sender!.facts.name).toBe('stripe')
  expect(allowNoIdempotency).toBe(false)
})

test('a node of a Cluster whose password is not percent-encoded is refused without a part of it', () =>
  refused({}, [], "{ redis: { cluster: ['redis://one:6379', 'redis://app:u@pw#1@two:6379'] } }").toMatch(
    /^StartError 2: redis\.cluster: (?!.*(pw|app|two)).*percent-encoded/,
  ))

test('a config file that reads a secret from an unset variable does not start', () => {
  const built = JSON.stringify(import.meta.resolve('hookonce/senders/stripe'))
  const file = `{ sources: { a: { sender: (await import(${built})).stripe({ secrets: [process.env.NOT_SET] }) } } }`
  return refused({}, [], file).toMatch(
    /^StartError 2: config file .* cannot be loaded: stripe: secrets must be a list of texts; is an environment variable not set\?$/,
  )
})

test('a shorter lock TTL or lease shortens the defaults that depend on it', async () => {
  const { storeOptions, sources } = await config({ HOOKONCE_LOCK_TTL_SECONDS: '3', HOOKONCE_FORWARD_TO: 'http://x' })
  const { options, handle } = sources.get('default')!
  expect([options.leaseMs, storeOptions.storeTimeoutMs, (handle as { timeoutMs: number }).timeoutMs]).toEqual([
    3000, 1000, 3000,
  ])
})

test('a secret from a file ends before the last newline', async () => {
  const file = join(temporaryFolder(), 'token')
  writeFileSync(file, 'token-from-file\n')
  const token = { mode: 'token', token: 'token-from-file' }
  expect((await config({ HOOKONCE_ADMIN_TOKEN_FILE: file })).operatorAccess).toMatchObject(token)
  expect((await config({}, ['--admin-token-file', file])).operatorAccess).toMatchObject(token)
  await refused({ HOOKONCE_ADMIN_TOKEN_FILE: '/nope' }).toBe(
    'StartError 2: HOOKONCE_ADMIN_TOKEN_FILE: cannot read /nope (ENOENT)',
  )
  await refused({ HOOKONCE_ADMIN_TOKEN_FILE: file, HOOKONCE_ADMIN_TOKEN: 'x' }).toBe(
    'StartError 2: HOOKONCE_ADMIN_TOKEN and HOOKONCE_ADMIN_TOKEN_FILE are both set; keep one',
  )
})

describe('the store', () => {
  const located = async (env: Record<string, string>, file?: string) => (await config(env, [], file)).store

  test('is a URL, which may come from a file', async () => {
    const file = join(temporaryFolder(), 'url')
    writeFileSync(file, 'postgres://u:p@db/app\n')
    expect(await located({ HOOKONCE_STORE_URL_FILE: file })).toEqual({
      kind: 'postgres',
      url: 'postgres://u:p@db/app',
    })
    expect(await located({ HOOKONCE_STORE_URL: 'rediss://:p@h:1/2' })).toEqual({
      kind: 'redis',
      address: 'rediss://:p@h:1/2',
    })
  })

  test('is Sentinel or Cluster by the config file, unless the environment has a URL', async () => {
    const file = '{ redis: { sentinels: [{ host: "s" }], name: "m", password: "p" } }'
    const address = { sentinels: [{ host: 's', port: 26_379 }], name: 'm', password: 'p' }
    expect(await located({}, file)).toEqual({ kind: 'redis', address })
    expect(await located({ HOOKONCE_STORE_URL: 'memory:' }, file)).toEqual({ kind: 'memory' })
  })

  test('is printed without credentials', () => {
    expect(placeOf({ kind: 'postgres', url: 'postgres://u:p@db:1/app?password=p' })).toBe('postgres://db:1/app')
    expect(placeOf({ kind: 'redis', address: 'redis://:p@h:1' })).toBe('redis://h:1')
    expect(placeOf({ kind: 'redis', address: { cluster: ['redis://:p@a', 'redis://b'] } })).toBe(
      'redis cluster of redis://a, redis://b',
    )
    expect(placeOf({ kind: 'redis', address: { sentinels: [{ host: 's' }], name: 'm', password: 'p' } })).toBe(
      'redis master m by sentinels s',
    )
  })
})

describe('a config file', () => {
  test.each(['mjs', 'js', 'ts'])('in .%s', async extension => {
    const folder = join(temporaryFolder(), 'node_modules/..')
    mkdirSync(folder, { recursive: true })
    const types = extension === 'ts' ? 'const port: number = 81' : 'const port = 81'
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(
      join(folder, `hookonce.config.${extension}`),
      `${types}\nexport default { port, sources: { a: { handle: () => new Response() } } }`,
    )
    const { port, sources, configFile } = await resolveConfig({ env: {}, folder })
    expect([port, typeof sources.get('a')!.handle]).toEqual([81, 'function'])
    expect(configFile).toMatch(new RegExp(`hookonce\\.config\\.${extension}$`))
  })

  test('is refused if there are two, if it is missing or if it does not load', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'hookonce.config.mjs'), 'export default {')
    await expect(resolveConfig({ env: {}, folder })).rejects.toThrow(
      /hookonce\.config\.mjs cannot be loaded: Unexpected|cannot be loaded/,
    )
    writeFileSync(join(folder, 'hookonce.config.ts'), 'export default {}')
    await expect(resolveConfig({ env: {}, folder })).rejects.toThrow(/are both in/)
    await expect(resolveConfig({ env: {}, folder, configFile: 'x.mjs' })).rejects.toThrow(/x\.mjs does not exist/)
  })
})

test('waiting duplicates leave capacity for other deliveries', async () => {
  const room = async (env: Record<string, string>) => {
    const { maxWaiters, maxInFlight } = await config(env)
    return { maxWaiters, maxInFlight }
  }
  expect(await room({ HOOKONCE_MAX_WAITERS: '50' })).toEqual({ maxWaiters: 50, maxInFlight: 10_050 })
  expect(await room({ HOOKONCE_MAX_IN_FLIGHT: '50' })).toEqual({ maxWaiters: 25, maxInFlight: 50 })
  await refused({ HOOKONCE_MAX_IN_FLIGHT: '50', HOOKONCE_MAX_WAITERS: '50' }).toContain(
    'HOOKONCE_MAX_IN_FLIGHT (50) must be more than HOOKONCE_MAX_WAITERS (50)',
  )
})

test('the limits of bodies and connections', async () => {
  const { maxBodyMemoryBytes, maxConnections } = await config({
    HOOKONCE_MAX_BODY_MEMORY_BYTES: '2000000',
    HOOKONCE_MAX_CONNECTIONS: '70',
  })
  expect([maxBodyMemoryBytes, maxConnections]).toEqual([2_000_000, 70])
  await refused({ HOOKONCE_MAX_BODY_MEMORY_BYTES: '1000000' }).toBe(
    'StartError 2: HOOKONCE_MAX_BODY_MEMORY_BYTES (1000000) must be at least the largest maxBodyBytes of a source (1048576)',
  )
  const source = '{ sources: { large: { maxBodyBytes: 1073741824, handle: () => new Response() } } }'
  const few = await config({}, [], source)
  expect(few.maxBodyMemoryBytes).toBeGreaterThanOrEqual(1_073_741_824)
  expect((await config({ HOOKONCE_MAX_IN_FLIGHT: '10' })).maxConnections).toBe(5_010)
})
