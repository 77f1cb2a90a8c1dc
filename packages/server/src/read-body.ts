import type { IncomingMessage } from 'node:http'

/** The raw bytes; `too_large` as soon as that is known, nothing more is read then; `gone` if the sender left. */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer | 'too_large' | 'gone'> {
  if (Number(request.headers['content-length']) > limit) return Promise.resolve('too_large')
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let length = 0

    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length > limit) {
        request.pause()
        settle('too_large')
      } else chunks.push(chunk)
    }
    const onEnd = () => settle(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length))
    const onGone = () => settle('gone')

    const settle = (result: Buffer | 'too_large' | 'gone') => {
      request.off('data', onData).off('end', onEnd).off('close', onGone)
      resolve(result)
    }
    // A request that breaks off emits an error too; 'close' follows it.
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', ignore)
  })
}

function ignore(): void {}
