import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_NAMES } from '../../config/file.js'
import { StartError } from '../../config/start-error.js'
import { print } from '../commands/print.js'
import { type Choices, DEFAULTS } from './choices.js'
import { configText, senderOptions } from './config-text.js'
import type { InitOptions } from './options.js'

/** Writes a config file and says what comes next. @throws {StartError} */
export async function init({ given, force, yes }: InitOptions, folder: string): Promise<void> {
  const there = DEFAULT_NAMES.filter(name => existsSync(join(folder, name)))
  if (there.length > 0 && !force) throw new StartError(`${there[0]} is there already; --force overwrites it`, 1)
  const asks = !yes && process.stdin.isTTY && process.stdout.isTTY
  const choices = asks ? await (await import('./questions.js')).askFor(given) : { ...DEFAULTS, ...given }
  const name = there[0] ?? 'hookonce.config.ts'
  write(join(folder, name), configText(choices), force)
  for (const line of nextSteps(name, choices)) print(line)
}

function write(path: string, text: string, force: boolean): void {
  try {
    writeFileSync(path, text, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    throw new StartError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code})`, 1)
  }
}

function nextSteps(name: string, { senders, store }: Choices): string[] {
  const needed = senders.flatMap(senderOptions).map(({ variable, where }) => `  export ${variable}=…     # ${where}`)
  const url = store === 'redis' ? 'REDIS_URL' : store === 'postgres' ? 'DATABASE_URL' : undefined
  const [first] = senders
  return [
    `${name} is written.`,
    ...(needed.length === 0 ? [] : ['', 'It takes from the environment, without which it does not start:', ...needed]),
    ...(url === undefined ? [] : ['', `${url} says where the store is, if it is not on this machine.`]),
    '',
    'Start it, and in another terminal deliver an event twice:',
    '  npx hookonce',
    first === undefined
      ? '  npx hookonce send --times 2'
      : `  HOOKONCE_SECRET=$${senderOptions(first)[0]!.variable} npx hookonce send --sender ${first} --url http://localhost:8000/hooks/${first} --times 2`,
  ]
}
