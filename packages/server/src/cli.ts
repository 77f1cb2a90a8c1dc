#!/usr/bin/env node
import { help, parseCommandLine, version } from './command-line.js'
import { resolveConfig } from './config.js'
import { send } from './send.js'
import { sendHelp } from './send-command.js'
import { serve } from './serve.js'
import { StartError } from './start-error.js'
import { work } from './work.js'

async function run(args: string[]): Promise<void> {
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

run(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof StartError)) throw error
  process.stderr.write(`hookonce: ${error.message}\n`)
  process.exit(error.exitCode)
})
