#!/usr/bin/env node
import { help, parseCommandLine, version } from './command-line.js'
import { runStoreCommand } from './commands/index.js'
import { parseStoreCommand, type StoreCommand, storeCommandIn } from './commands/parse.js'
import { resolveConfig } from './config.js'
import { send } from './send.js'
import { sendHelp } from './send-command.js'
import { serve } from './serve.js'
import { StartError } from './start-error.js'
import { work } from './work.js'

async function run(args: string[]): Promise<void> {
  const name = storeCommandIn(args)
  if (name !== undefined) return runOnStore(parseStoreCommand(name, args))
  const command = parseCommandLine(args)
  if (command.name === 'help') console.log(help())
  else if (command.name === 'version') console.log(version())
  else if (command.name === 'send help') console.log(sendHelp())
  else if (command.name === 'send') process.exitCode = await send(command, process.env)
  else {
    const { given: flags, configFile } = command
    const config = await resolveConfig({ flags, configFile, env: process.env, folder: process.cwd() })
    await (command.name === 'work' ? work(config) : serve(config))
  }
}

/** A command on the store takes the settings of `serve`. */
async function runOnStore(command: StoreCommand): Promise<void> {
  const given = parseCommandLine(command.settings)
  if (given.name !== 'serve') {
    console.log(given.name === 'version' ? version() : help())
    return
  }
  const { given: flags, configFile } = given
  const config = await resolveConfig({ flags, configFile, env: process.env, folder: process.cwd() })
  const code = await runStoreCommand(command, config)
  // A store that could not be opened may go on trying. What was printed is printed first.
  process.stdout.write('', () => process.exit(code))
}

run(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof StartError)) throw error
  process.stderr.write(`hookonce: ${error.message}\n`)
  process.exit(error.exitCode)
})
