#!/usr/bin/env node
import { parseStoreCommand, type StoreCommand, storeCommandIn } from './cli/commands/parse.js'
import { endWithNpm } from './cli/end-with-npm.js'
import { eventsHelp } from './cli/events/options.js'
import { initHelp } from './cli/init/options.js'
import { listenHelp } from './cli/listen/options.js'
import { sendHelp } from './cli/send-options.js'
import { help, parseCommandLine } from './cli/serve-options.js'
import { tailHelp } from './cli/tail/options.js'
import { verifyHelp } from './cli/verify-options.js'
import type { GivenSettings } from './config/environment.js'
import { type ResolvedConfig, resolveConfig } from './config/resolve.js'
import { StartError } from './config/start-error.js'
import { version } from './config/version.js'
import { terminalSafe } from './observability/escape.js'

/** Each command loads only its own modules: a wrong option fails at once. */
async function run(args: string[]): Promise<void> {
  const name = storeCommandIn(args)
  if (name !== undefined) return runOnStore(parseStoreCommand(name, args))
  const command = parseCommandLine(args)
  if (command.name === 'help') console.log(help())
  else if (command.name === 'version') console.log(version())
  else if (command.name === 'send help') console.log(sendHelp())
  else if (command.name === 'demo') process.exit(await (await import('./cli/demo/index.js')).demo())
  else if (command.name === 'init help') console.log(initHelp())
  else if (command.name === 'init') await (await import('./cli/init/index.js')).init(command, process.cwd())
  else if (command.name === 'tail help') console.log(tailHelp())
  else if (command.name === 'tail') await (await import('./cli/tail/index.js')).tail(command, process.env)
  else if (command.name === 'listen help') console.log(listenHelp())
  else if (command.name === 'listen') await (await import('./cli/listen/index.js')).listen(command, process.env)
  else if (command.name === 'verify help') console.log(verifyHelp())
  else if (command.name === 'events help') console.log(eventsHelp())
  else if (command.name === 'events') {
    process.exitCode = await (await import('./cli/events/index.js')).events(command, process.env)
  } else if (command.name === 'verify') {
    const { verify } = await import('./cli/verify.js')
    process.exitCode = verify(command, process.env)
  } else if (command.name === 'send') {
    const { send } = await import('./cli/send.js')
    process.exitCode = await send(command, process.env)
  } else {
    const { given: flags, configFile } = command
    const config = await configOf(flags, configFile)
    endWithNpm()
    if (command.name === 'work') await (await import('./runtime/work.js')).work(config)
    else await (await import('./runtime/serve.js')).serve(config)
  }
}

/** A store command takes the settings of `serve`. */
async function runOnStore(command: StoreCommand): Promise<void> {
  const given = parseCommandLine(command.settings)
  if (given.name !== 'serve') {
    console.log(given.name === 'version' ? version() : help())
    return
  }
  const { given: flags, configFile } = given
  const config = await configOf(flags, configFile)
  for (const { kind, message, fix } of command.name === 'doctor' ? [] : config.secretWarnings) {
    if (kind === 'on the command line') process.stderr.write(`hookonce: ${message}; ${fix}\n`)
  }
  const { runStoreCommand } = await import('./cli/commands/index.js')
  const code = await runStoreCommand(command, config)
  // A store that failed to open may keep retrying: exit, once stdout is written.
  process.stdout.write('', () => process.exit(code))
}

function configOf(flags: GivenSettings, configFile: string | undefined): Promise<ResolvedConfig> {
  const isTerminal = process.stdout.isTTY === true
  return resolveConfig({ flags, configFile, env: process.env, folder: process.cwd(), isTerminal })
}

run(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof StartError)) throw error
  process.stderr.write(`hookonce: ${terminalSafe(error.message)}\n`)
  process.exit(error.exitCode)
})
