import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { identityOf, verify } from '../oracle/verify.js'
import type { Target } from '../run/fuzz.js'
import type { Run } from '../run/ledger.js'
import { sourceNamed } from '../sources.js'

/** What a receiver may do wrong; each happens to every tenth request that it could happen to, and the first to all. */
export type Wrong =
  | 'believes what names an event'
  | 'runs what is not signed'
  | 'runs a duplicate'
  | 'answers without a run'
  | 'refuses a genuine one'
  | 'accepts a foreign one'
  | 'fails'
  | 'says nothing'
  | 'ends'
  | 'grows'

/** As much of a receiver as a fuzzer can tell, with the application in it; right but for what is asked of it. */
export async function startFakeReceiver(wrong?: Wrong) {
  const runs: Run[] = []
  const seen = new Set<string>()
  let chances = 0
  let alive = true
  let residentMiB = 100
  const goesWrong = (how: Wrong): boolean => wrong === how && ++chances % 10 === 0

  /** `undefined`: no answer. */
  async function statusFor(request: IncomingMessage): Promise<number | undefined> {
    const [path = '', query = ''] = request.url!.split(/(?=\?)/s, 2)
    const source = sourceNamed(path.replace('/hooks/', ''))
    if (source === undefined || request.method !== 'POST') return 404
    const body = await buffer(request)
    const headers = rawPairs(request.rawHeaders)
    const signed = { headers, query, body }
    if (goesWrong('fails')) return 500
    if (verify(source, signed, Date.now()) === 'foreign') {
      if (goesWrong('accepts a foreign one')) return 200
      if (!goesWrong('runs what is not signed')) return 401
    }
    if (goesWrong('refuses a genuine one')) return 401
    if (goesWrong('says nothing')) return undefined
    if (goesWrong('grows')) residentMiB += 20
    if (goesWrong('ends')) alive = false
    const identity = identityOf(source, signed)
    const label = wrong === 'believes what names an event' ? headers.find(([name]) => NAMES.test(name))?.[1] : undefined
    const name = `${source.name} ${label ?? identity}`
    if (seen.has(name) && !goesWrong('runs a duplicate')) return 200
    seen.add(name)
    if (goesWrong('answers without a run')) return 200
    runs.push({ source: source.name, identity, attempt: '1', key: identity, number: undefined })
    return 200
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    request.on('error', () => {})
    const status = await statusFor(request).catch(() => undefined)
    if (status === undefined) response.destroy()
    else response.writeHead(status, { 'content-length': 0 }).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const target: Target = {
    port: (server.address() as AddressInfo).port,
    isAlive: () => alive,
    residentMiB: () => residentMiB,
    pending: async () => 0,
  }
  return {
    target,
    ledger: { runs },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const NAMES = /^(x-github-delivery|x-shopify-webhook-id|i-twilio-idempotency-token)$/

const rawPairs = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]!] as [string, string]] : []))
