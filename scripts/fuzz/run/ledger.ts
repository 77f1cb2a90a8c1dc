import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { identityOf } from '../oracle/verify.js'
import { sourceNamed } from '../sources.js'

/** One call of the application behind the receiver. */
export interface Run {
  source: string
  identity: string
  /** The receiver's, of this key. */
  attempt: string | undefined
  key: string | undefined
  /** Of the request that it came from, if that says so. */
  number: number | undefined
}

/** The application: it notes each call and succeeds. */
export interface Ledger {
  /** Of what the source of this name is forwarded to. */
  urlOf(source: string): string
  runs: readonly Run[]
  close(): void
}

export async function startLedger(): Promise<Ledger> {
  const runs: Run[] = []
  // What the receiver adds must not make a head too long that it took itself.
  const server = createServer({ keepAliveTimeout: 600_000, maxHeaderSize: 65_536 }, async (request, response) => {
    const [path = '', query] = request.url!.split(/(?=\?)/s, 2)
    const source = sourceNamed(path.slice(1))
    const body = await buffer(request)
    if (source === undefined) {
      response.writeHead(404).end()
      return
    }
    const { headers, rawHeaders } = request
    const [, number] = /^fuzz\/(\d+)$/.exec(headers['user-agent'] ?? '') ?? []
    runs.push({
      source: source.name,
      identity: identityOf(source, { headers: pairs(rawHeaders), query: query ?? '', body }),
      attempt: headers['x-hookonce-attempt'] as string | undefined,
      key: headers['idempotency-key'] as string | undefined,
      number: number === undefined ? undefined : Number(number),
    })
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    urlOf: source => `http://127.0.0.1:${port}/${source}`,
    runs,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const pairs = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]!] as [string, string]] : []))
