import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { ReadStream, WriteStream } from 'node:tty'

const TERMINAL = '/dev/tty'

/** Whether a person is there to be asked. Test files run in processes without a stdin, so the terminal itself is tried. */
export function hasTerminal(env: NodeJS.ProcessEnv): boolean {
  if (env.CI) return false
  try {
    closeSync(openSync(TERMINAL, 'r+'))
    return true
  } catch {
    return false
  }
}

/** Anything but yes is no. */
export async function askAtTerminal(question: string): Promise<boolean> {
  const input = new ReadStream(openSync(TERMINAL, 'r'))
  const output = new WriteStream(openSync(TERMINAL, 'w'))
  const lines = createInterface({ input, output })
  const answer = await lines.question(`${question} [y/N] `)
  lines.close()
  input.destroy()
  output.destroy()
  return /^y(es)?$/i.test(answer.trim())
}
