/**
 * What somebody does who has no secret, with sockets alone. Asked `{ attack, url }`, begins and answers at once; it goes
 * on until the process ends. Connections are opened over two seconds, as fast as a network would bring what they send. On
 * another machine it would take no processor time from the server: here it comes last.
 */
import { connect } from 'node:net'
import { constants, setPriority } from 'node:os'
import { OPERATOR_TOKEN } from './abuse.config.mjs'

setPriority(constants.priority.PRIORITY_LOW)

const OPENED_WITHIN_MS = 2_000
const MIB = 1_048_576
const ALMOST = Buffer.alloc(MIB - 1, 'x')

const post = (path, length, ...headers) =>
  `${[`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', `content-length: ${length}`, ...headers].join('\r\n')}\r\n\r\n`
const get = (path, ...headers) => `${[`GET ${path} HTTP/1.1`, 'host: 127.0.0.1', ...headers].join('\r\n')}\r\n\r\n`

export const ATTACKS = {
  'nothing: the load alone': () => {},
  '2000 connections, a byte of a head': open => times(2_000, () => again(open, ['P'])),
  '2000 connections, a byte of a body': open => times(2_000, () => again(open, [post('/webhook', 1_000), 'x'])),
  '1200 bodies of 1 MiB, but a byte': open => times(1_200, () => write(open(), [post('/webhook', MIB), ALMOST])),
  '1200 bodies of 1 MiB in small pieces': open => times(1_200, () => drip(open(), post('/webhook', MIB))),
  '400 logins of 1 MiB, but a byte': open =>
    times(400, () => write(open(), [post('/api/session', MIB, 'content-type: application/json'), ALMOST])),
  '6000 requests at once on a connection': open => {
    write(open(), [`${post('/webhook', 2)}{}`.repeat(6_000)])
  },
  '8 readers that take nothing': (open, key) => {
    times(4, () => write(stalled(open()), [`${post('/hooks/large', 2, `x-idempotency-key: ${key}`)}{}`.repeat(50)]))
    const asked = get('/webhook/events?bodies=true', `authorization: Bearer ${OPERATOR_TOKEN}`)
    times(4, () => write(stalled(open()), [asked.repeat(50)]))
  },
  '200 connections, 999 fields each request': open => {
    const junk = Array.from({ length: 999 }, (_, i) => `a${i}:`)
    times(200, () => again(open, [get('/api/records', ...junk)]))
  },
}

process.on('message', ({ attack, url, key }) => {
  const { hostname, port } = new URL(url)
  ATTACKS[attack](() => connect(Number(port), hostname).on('error', () => {}), key)
  process.send('begun')
})

function times(count, act) {
  for (let i = 0; i < count; i++) setTimeout(act, (i / count) * OPENED_WITHIN_MS)
}

function write(socket, pieces) {
  for (const piece of pieces) socket.write(piece)
  if (!socket.stalls) socket.resume()
  return socket
}

function stalled(socket) {
  return Object.assign(socket, { stalls: true })
}

/** Whenever it is ended, it comes back. */
function again(open, pieces) {
  write(open(), pieces).on('close', () => setTimeout(() => again(open, pieces), 100))
}

function drip(socket, head) {
  socket.setNoDelay(true)
  write(socket, [head])
  const timer = setInterval(() => socket.write(ALMOST.subarray(0, 500)), 100)
  socket.on('close', () => clearInterval(timer))
}
