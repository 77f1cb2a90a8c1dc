import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { urlToHttpOptions } from 'node:url'
import { ConfigurationError, Delivery, type HeaderList } from 'hookonce'
import { SENDERS, type Sender } from 'hookonce/senders'
import { StartError } from '../config/start-error.js'
import { createForwardAgent, exchange, type ForwardAgent } from '../http/exchange.js'
import { terminalSafe, terminalSafeJson } from '../observability/escape.js'
import { PLAIN_EXAMPLE } from '../operator/lab/test-event.js'
import type { SendOptions } from './send-options.js'
import { senderWithSecret } from './sender-options.js'

interface Event {
  id: string
  body: Buffer
  /** Those that say what it is. */
  headers: HeaderList
}

interface Received {
  n: number
  status: number
  ms: number
  cached: boolean
  body: string
}

/**
 * Delivers an event as its sender would, and prints the answers.
 *
 * @returns the exit code: 0 if every answer is as expected
 * @throws {StartError}
 */
export async function send(options: SendOptions, env: NodeJS.ProcessEnv): Promise<0 | 1> {
  const sender = signer(options, env)
  const event = eventOf(options)
  if (sender !== undefined && options.tamper) assertSigned(sender, event, options)
  const agent = createForwardAgent()
  const deliver = (n: number) => deliverOnce(n, agent, sender, event, options)
  const received: Received[] = []
  const count = Array.from({ length: options.times }, (_, index) => index + 1)
  try {
    if (options.concurrent) received.push(...(await Promise.all(count.map(deliver))))
    else for (const n of count) received.push(await deliver(n))
  } finally {
    agent.destroy()
  }
  console.log(options.json ? received.map(each => terminalSafeJson(JSON.stringify(each))).join('\n') : table(received))
  const expected = ({ status }: Received) => (options.tamper ? status === 401 : status >= 200 && status <= 299)
  return received.every(expected) ? 0 : 1
}

function signer({ sender, publicUrl, url, ...rest }: SendOptions, env: NodeJS.ProcessEnv): Sender | undefined {
  if (sender === undefined) return undefined
  return senderWithSecret({ ...rest, sender, publicUrl: publicUrl ?? url }, env).sender
}

function eventOf({ sender, event, file, id = `evt_${randomUUID()}` }: SendOptions): Event {
  const examples = sender === undefined ? [PLAIN_EXAMPLE] : SENDERS.get(sender)!.examples({ id, now: Date.now() })
  const { contentType, headers, body } = examples.find(({ type }) => type === event) ?? examples[0]!
  return {
    id,
    body: file === undefined ? Buffer.from(body) : readBody(file),
    headers: [['content-type', contentType], ...headers],
  }
}

function readBody(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new StartError(`--file: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** Signs each time, as a sender's retry does. @throws {StartError} this sender can only verify */
function headersOf(sender: Sender | undefined, { id, body, headers }: Event, options: SendOptions): HeaderList {
  const named = sender === undefined ? ([['x-idempotency-key', id]] as const) : signed(sender, { id, body }, options)
  const own = new Set(named.map(([name]) => name))
  return [...headers.filter(([name]) => !own.has(name)), ...named]
}

function signed(sender: Sender, { id, body }: Pick<Event, 'id' | 'body'>, { url }: SendOptions): HeaderList {
  try {
    return sender.sign({ method: 'POST', url, body, id, now: Date.now() })
  } catch (error) {
    if (error instanceof ConfigurationError) throw new StartError(`--sender ${sender.facts.name}: ${error.message}`)
    throw error
  }
}

/** Trailing white space: the same event in other bytes. */
const tampered = (body: Buffer): Buffer => Buffer.concat([body, Buffer.from(' ')])

/** @throws {StartError} this sender does not sign the body */
function assertSigned(sender: Sender, event: Event, options: SendOptions): void {
  const { pathname, search } = new URL(options.url)
  const headers = headersOf(sender, event, options)
  const delivery = new Delivery({ method: 'POST', url: pathname + search, headers, body: tampered(event.body) })
  if (sender.verify(delivery, Date.now()) === null) {
    throw new StartError(
      `--tamper: ${sender.facts.title} does not sign the body, so that nobody can see that it was changed`,
    )
  }
}

async function deliverOnce(
  n: number,
  agent: ForwardAgent,
  sender: Sender | undefined,
  event: Event,
  options: SendOptions,
): Promise<Received> {
  const url = new URL(options.url)
  const body = options.tamper ? tampered(event.body) : event.body
  const own = ['host', url.host, 'content-length', String(body.length)]
  const headers = [...own, ...headersOf(sender, event, options).flat()]
  const begunAt = performance.now()
  try {
    const { signal } = new AbortController()
    const response = await exchange(agent, {
      options: { ...urlToHttpOptions(url), method: 'POST' },
      headers,
      body,
      signal,
    })
    const answer = await text(response)
    const ms = Math.round((performance.now() - begunAt) * 10) / 10
    return { n, status: response.statusCode!, ms, cached: response.headers['x-cached'] === 'true', body: answer }
  } catch (error) {
    throw new StartError(`no answer from ${url.host}: ${connectionFailure(error)}`, 1)
  }
}

function connectionFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'the connection was refused; is it running?'
  if (code === 'ENOTFOUND') return 'there is no such host'
  return code ?? message.split('\n', 1)[0]!
}

const BODY_START = 80

function table(received: Received[]): string {
  const rows = received.map(({ n, status, ms, cached, body }) => [
    String(n),
    String(status),
    ms.toFixed(1),
    cached ? 'true' : '-',
    body.length > BODY_START ? `${printable(body.slice(0, BODY_START))}…` : printable(body),
  ])
  const all = [['n', 'status', 'ms', 'X-Cached', 'body'], ...rows]
  const widths = [0, 1, 2, 3].map(column => Math.max(...all.map(row => row[column]!.length)))
  const numeric = (column: number) => column < 3
  return all
    .map(row =>
      row
        .map((cell, column) => (numeric(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** An answer on one line; it may contain anything. */
const printable = (text: string): string => terminalSafe(text.replace(/[\s\p{Cc}]+/gu, ' '))
