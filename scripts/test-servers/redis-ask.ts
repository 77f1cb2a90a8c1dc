import { connect } from 'node:net'

/** Puts one command to a Redis or Sentinel on loopback, and resolves with what it writes: `+PONG`, `$3…`, `-ERR …`. */
export function askRedis(port: number, ...command: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    // One character a byte, for lengths are in bytes.
    socket.setEncoding('latin1').on('data', text => {
      answer += text
      if (endOfReply(answer, 0) === undefined) return
      resolve(answer.trim())
      socket.destroy()
    })
    socket.setTimeout(5_000, () => socket.destroy())
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`no answer from Redis on port ${port}`)))
    const words = command.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    socket.write(`*${words.length}\r\n${words.join('')}`)
  })
}

/** Waits until the answer to a command is as wished. */
export async function untilRedisSays(port: number, wish: RegExp, ...command: string[]): Promise<void> {
  const deadline = performance.now() + 30_000
  for (let answer = ''; !wish.test(answer); ) {
    if (performance.now() > deadline) throw new Error(`${command.join(' ')} still says: ${answer}`)
    await new Promise(resolve => setTimeout(resolve, 20))
    answer = await askRedis(port, ...command).catch(String)
  }
}

/** Where the reply ends that begins at `at`; `undefined`: it is not complete. */
function endOfReply(text: string, at: number): number | undefined {
  const line = text.indexOf('\r\n', at)
  if (line < 0) return undefined
  const length = Number(text.slice(at + 1, line))
  let end: number | undefined = line + 2
  if (text[at] === '$' && length >= 0) end += length + 2
  if (text[at] === '*') for (let i = 0; i < length && end !== undefined; i++) end = endOfReply(text, end)
  return end !== undefined && end <= text.length ? end : undefined
}
