import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { ConfigurationError } from 'hookonce'
import { SENDERS, type Sender, type SenderKind } from 'hookonce/senders'
import { github } from 'hookonce/senders/github'
import { stripe } from 'hookonce/senders/stripe'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { send as sendEvent } from '../../src/cli/send.js'
import { parseSendCommand, type SendOptions } from '../../src/cli/send-options.js'
import { StartError } from '../../src/config/start-error.js'
import { closeApps, startApp } from '../support/app.js'
import { runCli, stopServers, temporaryFolder } from '../support/server.js'
import { startUpstream } from '../support/upstream.js'

afterEach(closeApps)
afterAll(stopServers)

const SECRET = 'secret-that-nobody-may-see'
const hub = github({ secrets: [SECRET] })
const till = stripe({ secrets: [SECRET] })

const send = (args: string[], env: Record<string, string> = {}) => runCli({ args: ['send', ...args], env })

/** The answers that `--json` prints. */
const lines = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

describe('hookonce send', () => {
  test('signs an event as its sender would, each time, and prints the answers', async () => {
    let runs = 0
    const { url } = await startApp({
      sources: { till: { sender: till, handle: () => Response.json({ run: ++runs }) } },
    })
    const { code, stdout, stderr } = await send(['--sender', 'stripe', '--url', `${url}/hooks/till`, '--times', '3'], {
      HOOKONCE_SECRET: SECRET,
    })
    const [head, ...rows] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^n {2}status +ms {2}X-Cached {2}body$/)
    expect(rows.map(row => row.trim().split(/\s+/))).toEqual([
      ['1', '200', expect.stringMatching(/^\d+\.\d$/), '-', '{"run":1}'],
      ['2', '200', expect.anything(), 'true', '{"run":1}'],
      ['3', '200', expect.anything(), 'true', '{"run":1}'],
    ])
    expect([code, stderr, runs]).toEqual([0, '', 1])
  })

  test('sends the example of an event type, with the headers that say so', async () => {
    const seen: unknown[] = []
    const { url } = await startApp({
      sources: {
        hub: {
          sender: hub,
          handle: delivery => {
            seen.push(delivery.header('x-github-event'), delivery.json().action)
            return Response.json({})
          },
        },
      },
    })
    const to = ['--sender', 'github', '--url', `${url}/hooks/hub`]
    const { code } = await send([...to, '--event', 'issues'], { HOOKONCE_SECRET: SECRET })
    expect([code, seen]).toEqual([0, ['issues', 'opened']])
    const wrong = await send([...to, '--event', 'isues'], { HOOKONCE_SECRET: SECRET })
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      'hookonce: --event must be one of: push, pull_request, issues, ping, not isues; did you mean issues?\n',
    ])
  })

  test('sends a file with a given id, all at once, and prints JSON', async () => {
    const bodies: string[] = []
    const { url } = await startApp({
      sources: {
        hub: {
          sender: hub,
          handle: delivery => {
            bodies.push(delivery.text())
            return Response.json({ id: delivery.header('x-github-delivery') })
          },
        },
      },
    })
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'event.json'), '{"mine":1}')
    writeFileSync(join(folder, 'secret'), `${SECRET}\n`)
    const { code, stdout } = await runCli({
      cwd: folder,
      args: [
        'send',
        '--sender',
        'github',
        '--url',
        `${url}/hooks/hub?x=1`,
        '--file',
        'event.json',
        '--id',
        'guid-1',
      ].concat(['--secret-file', 'secret', '--times', '20', '--concurrent', '--json']),
    })
    const answers = lines(stdout)
    expect(code).toBe(0)
    expect(answers.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 {"id":"guid-1"}']))
    expect(answers.filter(({ cached }) => !cached)).toHaveLength(1)
    expect(bodies).toEqual(['{"mine":1}'])
  })

  test('without a sender sends an idempotency key and signs nothing', async () => {
    const upstream = await startUpstream()
    const { code } = await send(['--url', upstream.url, '--times', '2', '--id', 'mine'])
    upstream.close()
    expect(code).toBe(0)
    expect(upstream.calls.map(({ headers }) => headers['x-idempotency-key'])).toEqual(['mine', 'mine'])
    expect(upstream.calls[0]!.headers['content-type']).toBe('application/json')
  })

  test('--tamper succeeds if everything is refused, and fails if anything is taken', async () => {
    const { url } = await startApp({ sources: { till: { sender: till }, open: {} } })
    const tamper = (path: string) =>
      send(['--sender', 'stripe', '--secret', SECRET, '--url', url + path, '--times', '2', '--tamper', '--json'])
    const refused = await tamper('/hooks/till')
    expect([refused.code, lines(refused.stdout).map(({ status }) => status)]).toEqual([0, [401, 401]])
    const taken = await tamper('/hooks/open')
    expect([taken.code, lines(taken.stdout).map(({ status }) => status)]).toEqual([1, [200, 200]])
  })

  test('fails when an answer is not 2xx, and never shows the secret', async () => {
    const { url } = await startApp({ sources: { till: { sender: till } } })
    const { code, stdout, stderr } = await send([
      '--sender',
      'stripe',
      '--secret',
      'wrong-secret',
      '--url',
      `${url}/hooks/till`,
    ])
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^1 +401 /m)])
    expect(stdout + stderr).not.toContain('wrong-secret')
  })

  test('writes no control character of an answer to the terminal', async () => {
    const upstream = await startUpstream((_, response) => response.end('\u001b[2Jdone\r\nagain'))
    const { stdout } = await send(['--url', upstream.url])
    upstream.close()
    expect(stdout).toMatch(/ \[2Jdone again\n$/)
  })
})

describe('a failed send prints one line', () => {
  async function freePort(): Promise<number> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise(resolve => server.close(resolve))
    return port
  }

  test.each<[string, string[], number, RegExp]>([
    [
      'an unknown sender',
      ['--sender', 'stirpe'],
      2,
      /^hookonce: --sender must be one of: .*; did you mean stripe\?\n$/,
    ],
    [
      'no secret',
      ['--sender', 'stripe'],
      2,
      /^hookonce: --sender needs --secret, --secret-file, HOOKONCE_SECRET or .*\n$/,
    ],
    ['an empty secret', ['--sender', 'stripe', '--secret', ','], 2, /^hookonce: --secret: there is a comma, .*\n$/],
    ['a secret of nobody', ['--secret', 'x'], 2, /^hookonce: --secret needs --sender\n$/],
    ['tampering without a signature', ['--tamper'], 2, /^hookonce: --tamper needs --sender\n$/],
    ['no count', ['--times', '0'], 2, /^hookonce: --times must be a whole number from 1 to 10000, not 0\n$/],
    ['no URL', ['--url', 'localhost:8000'], 2, /^hookonce: --url must be an http:\/\/ or https:\/\/ URL .*\n$/],
    ['a file that is not there', ['--file', 'none.json'], 2, /^hookonce: --file: cannot read none\.json \(ENOENT\)\n$/],
    ['an unknown option', ['--sendr', 'x'], 2, /^hookonce: --sendr is not an option; did you mean --sender\?\n$/],
    ['a word too many', ['stripe'], 2, /^hookonce: send takes options only, not stripe\n$/],
  ])('%s', async (_, args, code, line) => {
    const exit = await send(args)
    expect(exit.stderr).toMatch(line)
    expect([exit.code, exit.stdout]).toEqual([code, ''])
  })

  test('a sender whose key can only verify', async () => {
    const examples = () => [{ type: 'any', contentType: 'application/json', headers: [], body: '{}' }]
    const kind = { facts: hub.facts, create: () => verifier, examples }
    const verifier: Sender = {
      ...hub,
      facts: { ...hub.facts, name: 'verifier' },
      sign() {
        throw new ConfigurationError('a public key verifies; to sign takes the private one')
      },
    }
    const known = SENDERS as Map<string, SenderKind>
    known.set('verifier', kind)
    try {
      const command = parseSendCommand(['--sender', 'verifier', '--secret', 'x'])
      await expect(sendEvent(command as SendOptions, {})).rejects.toThrow(
        new StartError('--sender verifier: a public key verifies; to sign takes the private one'),
      )
    } finally {
      known.delete('verifier')
    }
  })

  test('no server at the URL', async () => {
    const port = await freePort()
    const exit = await send(['--url', `http://127.0.0.1:${port}/webhook`, '--times', '3', '--concurrent'])
    expect(exit.stderr).toBe(`hookonce: no answer from 127.0.0.1:${port}: the connection was refused; is it running?\n`)
    expect([exit.code, exit.stdout]).toEqual([1, ''])
  })

  test('--help', async () => {
    const { code, stdout } = await send(['--help'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('--concurrent')])
  })
})
