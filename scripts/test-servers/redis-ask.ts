import { connect } from 'node:net'

/** Puts one command to a Redis on loopback, and resolves with all that it writes: `+PONG`, `$3…`, `-ERR …`. */
export function askRedis(port: number, ...command: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', text => {
      answer += text
    })
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer from Redis on port ${port}`)))
    socket.once('error', reject)
    socket.once('close', () => resolve(answer.replace(/\+OK\r\n$/, '').trim()))
    socket.write(encode(command) + encode(['QUIT']))
  })
}

function encode(words: string[]): string {
  return `*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
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
