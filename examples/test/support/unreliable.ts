import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/**
 * What happens to a delivery on its way: it passes; it is refused before it arrives; or it arrives and is processed,
 * and the connection breaks before the answer is back.
 */
export type Fate = 'pass' | 'refuse' | 'lose answer'

const NOT_PASSED_ON = new Set(['connection', 'content-length', 'host'])

/** A proxy in front of `target` that deals out one fate per delivery, and passes all that follow. */
export async function unreliable(target: string, fates: Fate[]): Promise<string> {
  const left = [...fates]
  const proxy = createServer(async (req, res) => {
    const fate = left.shift() ?? 'pass'
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    if (fate === 'refuse') {
      res.writeHead(503, { 'retry-after': '1' }).end()
      return
    }
    const headers = new Headers()
    for (const [name, values] of Object.entries(req.headersDistinct)) {
      if (!NOT_PASSED_ON.has(name)) headers.set(name, values!.join(', '))
    }
    const response = await fetch(target + req.url, { method: 'POST', headers, body: Buffer.concat(chunks) })
    const body = await response.text()
    if (fate === 'lose answer') req.socket.destroy()
    else res.writeHead(response.status, Object.fromEntries(response.headers)).end(body)
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}
