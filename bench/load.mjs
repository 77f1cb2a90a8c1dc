/**
 * Load on one server, in a process of its own: some connections, one request under way on each, for some seconds.
 * Writes requests made beforehand to plain sockets, so that it costs as little of the machine as it can.
 *
 * Asked by messages `{ url, path, connections, seconds | requests, keys | random, prefix, cached, bodyBytes }`, answers
 * `{ requests, seconds, bad }`. Bad is what is not 200, or is said to be a replay unlike `cached`.
 */
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'

const BODY = JSON.stringify({
  event: 'payment.received',
  data: { payment_id: 'pay_123', amount: 100.5, currency: 'USD' },
})
const END_OF_HEAD = Buffer.from('\r\n\r\n')

process.on('message', async job => process.send(await run(job)))

async function run({
  url,
  path,
  connections,
  seconds = Number.POSITIVE_INFINITY,
  requests: most = Number.POSITIVE_INFINITY,
  keys,
  random = false,
  prefix,
  cached,
  bodyBytes = 0,
}) {
  const { hostname, port } = new URL(url)
  const body = BODY.padEnd(bodyBytes)
  const head = `POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`
  let sent = 0
  let answered = 0
  let bad = 0
  const startedAt = performance.now()
  const next = () => {
    if (sent >= most || performance.now() - startedAt > seconds * 1000) return undefined
    const key = random ? randomUUID() : `${prefix}-${keys === undefined ? sent : sent % keys}`
    sent++
    return `${head}x-idempotency-key: ${key}\r\n\r\n${body}`
  }
  await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise((resolve, reject) => {
          const socket = connect({ host: hostname, port: Number(port), noDelay: true })
          let received = Buffer.alloc(0)
          const send = () => {
            const request = next()
            if (request === undefined) {
              socket.destroy()
              resolve()
            } else socket.write(request)
          }
          socket.on('connect', send)
          socket.on('error', reject)
          socket.on('close', resolve)
          socket.on('data', chunk => {
            received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
            const headEnd = received.indexOf(END_OF_HEAD)
            if (headEnd === -1) return
            const text = received.latin1Slice(0, headEnd)
            const length = Number(/content-length: (\d+)/i.exec(text)[1])
            if (received.length < headEnd + 4 + length) return
            received = Buffer.alloc(0)
            answered++
            if (!text.startsWith('HTTP/1.1 200') || /^x-cached: true$/im.test(text) !== cached) bad++
            send()
          })
        }),
    ),
  )
  return { requests: answered, seconds: (performance.now() - startedAt) / 1000, bad }
}
