import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadConfigFile } from '../../src/config/file.js'

const CONFIG = `
import { defineConfig } from '@hookonce/server'
import { NonRetriableError } from 'hookonce'
import { stripe } from 'hookonce/senders/stripe'

export default defineConfig({
  port: 4000,
  sources: {
    payments: {
      sender: stripe({ secrets: ['whsec_a1b2c3d4e5f6a7b8c9d0'] }),
      handle: () => { throw new NonRetriableError('the account is closed') },
    },
  },
})
`

/** Where no package is installed. */
function folderWith(file: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, file), content)
  return folder
}

test.each(['hookonce.config.ts', 'hookonce.config.mjs', 'hookonce.config.js'])(
  '%s may lie where no package is installed',
  async file => {
    const config = await loadConfigFile(folderWith(file, CONFIG), undefined)
    expect(config?.settings.get('port')?.value).toBe(4000)
    expect(config?.sources.get('payments')?.sender?.facts.name).toBe('stripe')
  },
)

test.each(['hookonce.config.ts', 'hookonce.config.mjs'])(
  '%s that imports another missing package is refused',
  async file => {
    const content = "import 'no-such-package'\nexport default {}"
    await expect(loadConfigFile(folderWith(file, content), undefined)).rejects.toThrow(
      /cannot be loaded: .*no-such-package/,
    )
  },
)
