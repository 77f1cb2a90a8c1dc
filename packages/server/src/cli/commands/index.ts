import { StoreError } from 'hookonce'
import { didYouMean } from '../../config/did-you-mean.js'
import type { ResolvedConfig } from '../../config/resolve.js'
import { StartError } from '../../config/start-error.js'
import { type CommandStore, openCommandStore } from './command-store.js'
import type { StoreCommand } from './parse.js'
import { deleteRecords, listRecords, redriveRecords, showRecord } from './records.js'
import { showStats } from './stats.js'

const COMMANDS = {
  'records list': listRecords,
  'records show': showRecord,
  'records delete': deleteRecords,
  'records redrive': redriveRecords,
  stats: showStats,
} satisfies Record<string, (opened: CommandStore, command: StoreCommand) => Promise<0 | 1>>

/** Returns the exit code. @throws {StartError} */
export async function runStoreCommand(command: StoreCommand, config: ResolvedConfig): Promise<0 | 1> {
  // It asks every kind of store, and loads the drivers of all.
  if (command.name === 'doctor') return (await import('./doctor/index.js')).runDoctor(config, command)
  checkSource(command, config)
  const opened = await openCommandStore(config)
  try {
    return await COMMANDS[command.name](opened, command)
  } catch (error) {
    if (error instanceof StoreError) throw new StartError(`the store ${opened.place}: ${error.message}`, 1)
    throw error
  } finally {
    await opened.receiver.close()
  }
}

function checkSource({ options }: StoreCommand, { sources }: ResolvedConfig): void {
  const source = options.get('source')
  if (source === undefined || sources.has(source)) return
  throw new StartError(`there is no source ${source}${didYouMean(source, sources.keys())}`)
}
