import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Proxy {
  readonly url: string
  /** How many connections `cutBeforeAnswer` has cut. */
  readonly cuts: number
  /** From now on nothing gets through on the connections that are open, and nobody is told. */
  swallow(): void
  /** Lets one more request through and cuts its connection instead of answering. */
  cutBeforeAnswer(): void
  /** New connections are accepted and nothing gets through on them; returns what lets it through. */
  delay(): () => void
  /** Cuts every connection, now or with the first request that has this in it; new ones lead to another server. */
  turnTo(port: number, withRequest?: string): void
}

/** What stands between a store and its server, and ends with the test. */
export async function startProxy(serverPort: number): Promise<Proxy> {
  let port = serverPort
  const open = new Set<{ near: Socket; far: Socket; swallowed: boolean }>()
  let cutNext = false
  let isDelayed = false
  let turn: { port: number; withRequest: string } | undefined
  const turnNow = (other: number) => {
    port = other
    turn = undefined
    for (const { near } of open) near.destroy()
  }
  let cuts = 0
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    const pair = { near, far, swallowed: false }
    open.add(pair)
    for (const socket of [near, far]) {
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(pair)
        near.destroy()
        far.destroy()
      })
    }
    if (isDelayed) near.pause()
    near.on('data', chunk => turn !== undefined && chunk.includes(turn.withRequest) && turnNow(turn.port))
    near.on('data', chunk => pair.swallowed || far.write(chunk))
    far.on('data', chunk => {
      if (pair.swallowed) return
      if (cutNext) {
        cutNext = false
        cuts++
        near.destroy()
      } else near.write(chunk)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    for (const { near } of open) near.destroy()
  })
  return {
    url: `redis://127.0.0.1:${(server.address() as { port: number }).port}`,
    get cuts() {
      return cuts
    },
    swallow() {
      for (const pair of open) pair.swallowed = true
    },
    cutBeforeAnswer() {
      cutNext = true
    },
    delay() {
      isDelayed = true
      return () => {
        isDelayed = false
        for (const { near } of open) near.resume()
      }
    },
    turnTo(other, withRequest) {
      if (withRequest === undefined) turnNow(other)
      else turn = { port: other, withRequest }
    },
  }
}
