import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Serves a fetch-style handler by node:http, as the runtimes that have such handlers do. */
export function bridge(handle: (request: Request) => Promise<Response>): RequestListener {
  return (req, res) => {
    handle(toRequest(req))
      .then(response => send(req, res, response))
      .catch(() => res.destroy())
  }
}

function toRequest(req: IncomingMessage): Request {
  const headers = new Headers()
  for (let at = 0; at < req.rawHeaders.length; at += 2) headers.append(req.rawHeaders[at], req.rawHeaders[at + 1])
  const chunks = req[Symbol.asyncIterator]()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    // Not the iterator's return(): it would destroy the connection before it was answered.
    cancel: () => void req.pause(),
  })
  const init = { method: req.method!, headers, body, duplex: 'half' as const }
  return new Request(`http://${req.headers.host}${req.url}`, init)
}

async function send(req: IncomingMessage, res: ServerResponse, response: Response): Promise<void> {
  for (const name of new Set(response.headers.keys())) {
    res.setHeader(name, name === 'set-cookie' ? response.headers.getSetCookie() : response.headers.get(name)!)
  }
  if (!req.complete) res.setHeader('connection', 'close')
  res.writeHead(response.status)
  if (!req.complete) {
    // The sender is still sending: it closes the connection when it saw the answer.
    res.write(new Uint8Array(await response.arrayBuffer()))
    return
  }
  if (response.body) await pipeline(Readable.fromWeb(response.body as never), res)
  else res.end()
}
