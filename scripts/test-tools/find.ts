import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { lastLine, run } from './run.js'
import { type Tool, ToolMissingError } from './tool.js'

/** Where the finder looks and what it may do. */
export interface Machine {
  env: NodeJS.ProcessEnv
  isRoot: boolean
  /** Tells whoever started the tests. */
  say(line: string): void
  /** Asks the person at the terminal; absent where nobody is there (CI, containers). */
  ask?: (question: string) => Promise<boolean>
}

/** How a tool is had that was not given. (Running a Docker image, for a tool that has one, would stand before apt.) */
const STEPS = [onPath, installedByApt]

/**
 * The command of a tool: given by its environment variable, on PATH, or installed. A step that cannot help is passed
 * over. A given command that does not work is an error: whoever gave it meant it.
 *
 * @throws {ToolMissingError}
 */
export async function findTool(tool: Tool, machine: Machine): Promise<string> {
  const { works: probe, is } = tool.given ?? { works: tool.works, is: tool.name }
  const given = machine.env[tool.env]
  if (given) {
    if (await works(given, probe, machine)) return given
    throw new ToolMissingError(`${tool.env}=${given} does not work: it must be ${is} (${tool.why})`)
  }
  for (const step of STEPS) {
    const command = await step(tool, machine)
    if (command !== undefined) return tool.prepare ? tool.prepare(command) : command
  }
  throw new ToolMissingError(
    `${missing(tool)}. Install it (on Debian: apt-get install ${tool.apt.join(' ')}) or set ${tool.env} to ${is}.`,
  )
}

async function onPath(
  { commands, works: probe, folders = () => [] }: Tool,
  machine: Machine,
): Promise<string | undefined> {
  for (const command of commands.flatMap(name => executables(name, machine, folders()))) {
    if (await works(command, probe, machine)) return command
  }
  return undefined
}

async function installedByApt(tool: Tool, machine: Machine): Promise<string | undefined> {
  const [aptGet] = executables('apt-get', machine)
  if (aptGet === undefined || !machine.isRoot) return undefined
  const packages = tool.apt.join(' ')
  if (machine.ask) {
    if (!(await machine.ask(`${missing(tool)}. Install ${packages} with apt-get?`))) return undefined
  } else machine.say(`${missing(tool)}. Installing ${packages} with apt-get.`)

  const env = { ...machine.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...tool.apt]]) {
    const { code, output } = await run(aptGet, args, env)
    if (code !== 0) throw new ToolMissingError(`${missing(tool)}; apt-get ${args.join(' ')}: ${lastLine(output)}`)
  }
  const command = await onPath(tool, machine)
  if (command === undefined) throw new ToolMissingError(`${missing(tool)}, after apt-get install ${packages} too`)
  return command
}

const missing = ({ name, why }: Tool): string => `${name} is missing: ${why}`

async function works(command: string, probe: string[], { env }: Machine): Promise<boolean> {
  return (await run(command, probe, env)).code === 0
}

function executables(name: string, { env }: Machine, further: string[] = []): string[] {
  const folders = (env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  return [...folders, ...further].map(folder => join(folder, name)).filter(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
