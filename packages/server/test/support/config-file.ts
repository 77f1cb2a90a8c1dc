import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../src/config/file.js'
import { temporaryFolder } from './server.js'

const contents = new Map<string, Config>()
;(globalThis as { hookonceTestConfigs?: typeof contents }).hookonceTestConfigs = contents

/** A folder with a config file whose content is this very object, functions included. */
export function configFile(config: Config): string {
  const folder = temporaryFolder()
  contents.set(folder, config)
  const content = `export default globalThis.hookonceTestConfigs.get(${JSON.stringify(folder)})\n`
  writeFileSync(join(folder, 'hookonce.config.mjs'), content)
  return folder
}
