import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HeaderList } from 'hookonce'
import { SENDERS } from 'hookonce/senders'
import { expect, test, vi } from 'vitest'
import { RECIPES } from '../../../hookonce/test/senders/recipes.js'
import { verify } from '../../src/cli/verify.js'
import { parseVerifyCommand, type VerifyOptions } from '../../src/cli/verify-options.js'
import { StartError } from '../../src/config/start-error.js'
import { runCli, temporaryFolder } from '../support/server.js'

const PUBLIC_URL = 'https://hooks.example/in?x=1'

interface Event {
  headers: HeaderList
  body: Buffer
}

/** An event of a sender, as it signs it. */
function eventOf(name: string, secret: string): Event {
  const kind = SENDERS.get(name)!
  const options = { secrets: [secret], publicUrl: PUBLIC_URL, verifyToken: 'word' }
  const sender = RECIPES[name]!.create?.(options) ?? kind.create(options)
  const now = Date.now()
  const [example] = kind.examples({ id: 'evt_1', now })
  const body = Buffer.from(example!.body)
  const signed = sender.sign({ method: 'POST', url: PUBLIC_URL, body, id: 'evt_1', now })
  return { headers: [['content-type', example!.contentType], ...(example!.headers ?? []), ...signed], body }
}

/** What `--json` prints, and the exit code. */
function verdict(name: string, { headers, body }: Event, secret: string, args: string[] = []) {
  const folder = temporaryFolder()
  const head = [
    'POST /in?x=1 HTTP/1.1',
    'Host: hooks.example',
    ...headers.map(([field, value]) => `${field}: ${value}`),
  ]
  writeFileSync(join(folder, 'headers'), `${head.join('\r\n')}\r\n`)
  writeFileSync(join(folder, 'body'), body)
  const files = ['--headers', join(folder, 'headers'), '--body', join(folder, 'body')]
  const command = parseVerifyCommand(['--sender', name, ...files, '--public-url', PUBLIC_URL, '--json', ...args])
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    const code = verify(command as VerifyOptions, { HOOKONCE_SECRET: secret })
    return { code, ...JSON.parse(log.mock.lastCall![0]) }
  } finally {
    log.mockRestore()
  }
}

test.each([...SENDERS.keys()])('an event of %s is verified, and not once it was changed', name => {
  const recipe = RECIPES[name]!
  const secret = recipe.secret()
  const held = recipe.publicHalf?.(secret) ?? secret
  const event = eventOf(name, secret)
  expect(verdict(name, event, held)).toMatchObject({ code: 0, verified: true, findings: [] })

  const other = recipe.secret()
  const refused = verdict(name, event, recipe.publicHalf?.(other) ?? other)
  expect(refused).toMatchObject({ code: 1, verified: false })
  expect(refused.findings.length).toBeGreaterThan(0)
})

test('what changed on the way is told, and how old it is', () => {
  const event = eventOf('stripe', 'whsec_one')
  const reserialised = { ...event, body: Buffer.from(JSON.stringify(JSON.parse(event.body.toString()), null, 2)) }
  const codes = ({ findings }: { findings: { code: string }[] }) => findings.map(({ code }) => code)
  expect(codes(verdict('stripe', reserialised, 'whsec_one'))).toEqual(['body_changed'])
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString()
  expect(codes(verdict('stripe', event, 'whsec_one', ['--at', tomorrow]))).toEqual(['timestamp_old'])
  expect(codes(verdict('github', event, 'whsec_one'))).toContain('other_scheme')
})

test('what is verified is named: its key, its label and its type', () => {
  const { headers, body } = eventOf('github', 'a secret')
  const labelled: Event = {
    headers: [...headers.filter(([name]) => name !== 'x-github-event'), ['x-github-event', 'push']],
    body,
  }
  expect(verdict('github', labelled, 'a secret')).toMatchObject({
    key: expect.stringMatching(/^sha256:/),
    label: 'evt_1',
    type: 'push',
  })
  expect(verdict('stripe', eventOf('stripe', 'whsec_one'), 'whsec_one')).toMatchObject({
    key: 'evt_1',
    type: 'payment_intent.succeeded',
  })
})

test('the command prints it for people, with its exit code and no secret', async () => {
  const cwd = temporaryFolder()
  const { headers, body } = eventOf('github', 'the-secret-of-this-test')
  writeFileSync(join(cwd, 'headers'), headers.map(pair => pair.join(': ')).join('\n'))
  writeFileSync(join(cwd, 'body'), body)
  const args = ['verify', '--sender', 'github', '--headers', 'headers', '--body', 'body']
  const right = await runCli({ cwd, args, env: { HOOKONCE_SECRET: 'the-secret-of-this-test' } })
  expect([right.code, right.stdout]).toEqual([0, expect.stringMatching(/^verified: .*\nkey +sha256:/)])
  const wrong = await runCli({ cwd, args: [...args, '--secret', 'another-secret'] })
  expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringMatching(/^not verified as github\n→ No likely change/)])
  expect(wrong.stdout + wrong.stderr).not.toContain('another-secret')
})

test('what it cannot use is said', () => {
  const options = (...args: string[]) => parseVerifyCommand(args) as VerifyOptions
  expect(() => options('--sender', 'github')).toThrow('usage: hookonce verify --sender NAME --headers FILE')
  expect(() => options('--sender', 'githup', '--headers', 'x')).toThrow('did you mean github')
  const absent = options('--sender', 'github', '--headers', '/nowhere')
  expect(() => verify(absent, { HOOKONCE_SECRET: 'x' })).toThrow(
    new StartError('--headers /nowhere cannot be read: ENOENT'),
  )
  const file = join(temporaryFolder(), 'headers')
  writeFileSync(file, 'no header')
  const malformed = options('--sender', 'github', '--headers', file)
  expect(() => verify(malformed, { HOOKONCE_SECRET: 'x' })).toThrow('line 1 of the headers')
})
