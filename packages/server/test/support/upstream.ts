import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface UpstreamCall {
  method: string
  url: string
  headers: IncomingHttpHeaders
  rawHeaders: string[]
  body: Buffer
}

export type UpstreamAnswer = (call: UpstreamCall, response: ServerResponse, request: IncomingMessage) => void

/** An application behind the receiver: records its calls, and holds its answers back while its gate is shut. */
export async function startUpstream(answer: UpstreamAnswer = (_, response) => response.end('done'), port = 0) {
  const calls: UpstreamCall[] = []
  const arrivals = new Set<() => void>()
  let gate: { opened: Promise<void>; open: () => void } | undefined
  const upstream = { answer }

  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers, rawHeaders } = request
    const call = { method, url, headers, rawHeaders, body: await buffer(request) }
    calls.push(call)
    for (const arrived of arrivals) arrived()
    await gate?.opened
    upstream.answer(call, response, request)
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))

  return Object.assign(upstream, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    calls,
    /** Resolves when `count` calls have arrived. */
    called: (count: number) =>
      new Promise<void>(resolve => {
        const check = () => {
          if (calls.length < count) return
          arrivals.delete(check)
          resolve()
        }
        arrivals.add(check)
        check()
      }),
    shutGate: () => {
      let open = () => {}
      const opened = new Promise<void>(resolve => {
        open = resolve
      })
      gate = { opened, open }
    },
    openGate: () => gate?.open(),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  })
}

export type Upstream = Awaited<ReturnType<typeof startUpstream>>
