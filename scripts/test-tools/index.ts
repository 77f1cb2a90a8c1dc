import { join } from 'node:path'
import { cacheFolder } from './cache.js'
import { findTool, type Machine } from './find.js'
import { withLock } from './lock.js'
import { askAtTerminal, hasTerminal } from './terminal.js'
import { TOOLS, type ToolName } from './tools.js'

/** For the hook that calls {@link requireTool}: the first time it may install or build something. */
export const TOOL_TIMEOUT_MS = 900_000

/**
 * The command of a tool that tests need. Test files that run in parallel do not race for it, and none is skipped:
 * what cannot be had fails them with one line that says how to give it.
 *
 * @example
 * let python: string
 * beforeAll(async () => { python = await requireTool('python') }, TOOL_TIMEOUT_MS)
 *
 * @throws {ToolMissingError}
 */
export function requireTool(name: ToolName): Promise<string> {
  const machine: Machine = {
    env: process.env,
    isRoot: process.getuid?.() === 0,
    say: line => void process.stderr.write(`${line}\n`),
    ...(hasTerminal(process.env) ? { ask: askAtTerminal } : {}),
  }
  return withLock(join(cacheFolder(), 'lock'), () => findTool(TOOLS[name], machine))
}
