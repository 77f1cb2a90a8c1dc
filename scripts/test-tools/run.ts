import { spawn } from 'node:child_process'

/** Runs a command to its end. `code` is `undefined` when it could not be started or was ended by a signal. */
export function run(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): Promise<{ code: number | undefined; output: string }> {
  return new Promise(resolve => {
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const gather = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on('data', gather)
    child.stderr.on('data', gather)
    child.once('error', error => resolve({ code: undefined, output: error.message }))
    child.once('close', code => resolve({ code: code ?? undefined, output }))
  })
}

/** Where commands say what went wrong. */
export function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)!
}
