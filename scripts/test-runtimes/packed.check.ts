import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { run } from '../test-tools/run.js'
import { deliverTwice } from './deliver-twice.js'
import { folderOfItsOwn, must, serve } from './project.js'

/** An empty project where both packages are installed from their tarballs. */
async function emptyProject(...tarballs: string[]): Promise<string> {
  const folder = folderOfItsOwn()
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  await must(folder, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs])
  return folder
}

test('the command of the packed server: version, doctor, send, and a delivery sent twice', async () => {
  const folder = await emptyProject(...inject('tarballs'))
  const npx = (...args: string[]) => must(folder, 'npx', ['--no-install', 'hookonce', ...args])
  expect(await npx('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(await npx('doctor')).toContain('sqlite')

  const command: [string, ...string[]] = [process.execPath, 'node_modules/@hookonce/server/bin/hookonce.mjs']
  const { url } = await serve(folder, command, { HOOKONCE_PORT: '0', PORT: '0' })
  await deliverTwice(`${url}/webhook`, { status: 200 })
  expect(await npx('send', `${url}/webhook`)).toContain('200')
})
