import { vi } from 'vitest'
import { type runCli, temporaryFolder } from './server.js'

let runs = 0

/**
 * As `runCli`, but in this process: for what is not about the process, of a command that reads or writes a store and ends, or of
 * one that is refused. Only one can run at a time, and what it leaves open stays so.
 */
export const runCliHere: typeof runCli = async ({ env = {}, args = [], cwd = temporaryFolder() } = {}) => {
  const before = { env: process.env, argv: process.argv, cwd: process.cwd() }
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map(name =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk, ...rest) => {
      written[name] += chunk
      for (const done of rest) if (typeof done === 'function') queueMicrotask(done)
      return true
    }),
  )
  try {
    const exited = new Promise<number>(resolve => {
      const exit = vi.spyOn(process, 'exit').mockImplementation((code => resolve(Number(code))) as typeof process.exit)
      spies.push(exit as never)
    })
    process.env = { ...env }
    process.argv = [...process.argv.slice(0, 2), ...args]
    process.chdir(cwd)
    // The module runs what its arguments say, each time it is evaluated.
    await import(/* @vite-ignore */ `../../src/cli.ts?run=${++runs}`)
    return { code: await exited, signal: null, ...written }
  } finally {
    for (const spy of spies) spy.mockRestore()
    process.chdir(before.cwd)
    Object.assign(process, { env: before.env, argv: before.argv })
  }
}
