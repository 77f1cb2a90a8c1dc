import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const running = new Set<Server>()

export interface Passed {
  path: string
  upstream: string
}

/**
 * A proxy in front of servers that removes `prefix`, which it serves alone. The requests of each path take turns between the
 * servers; one that is gone loses its turn, as far as nothing was sent to it. A request goes on with the Host that it came with.
 */
export async function startProxy(upstreams: string[], prefix = ''): Promise<{ url: string; passed: Passed[] }> {
  const passed: Passed[] = []
  const turns = new Map<string, number>()
  const proxy = createServer((incoming, outgoing) => {
    const path = incoming.url!
    if (!path.startsWith(`${prefix}/`)) return outgoing.writeHead(404).end()
    const [route = ''] = path.split('?', 1)
    const turn = turns.get(route) ?? 0
    turns.set(route, turn + 1)
    const headers = { ...incoming.headers, 'x-forwarded-for': '127.0.0.1' }
    const pass = (tried: number) => {
      const upstream = upstreams[(turn + tried) % upstreams.length]!
      passed.push({ path, upstream })
      const { hostname, port } = new URL(upstream)
      const onward = request({ hostname, port, method: incoming.method, path: path.slice(prefix.length), headers })
      onward.on('response', answer => {
        outgoing.writeHead(answer.statusCode!, answer.rawHeaders)
        answer.pipe(outgoing)
      })
      onward.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED' && tried + 1 < upstreams.length) pass(tried + 1)
        else outgoing.destroy()
      })
      outgoing.on('close', () => onward.destroy())
      incoming.pipe(onward)
    }
    pass(0)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  running.add(proxy)
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}`, passed }
}

export function stopProxies(): void {
  for (const proxy of running) {
    proxy.closeAllConnections()
    proxy.close()
  }
  running.clear()
}
