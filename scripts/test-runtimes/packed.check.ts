import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { deliverTwice } from './deliver-twice.js'
import { folderOfItsOwn, must, serve } from './project.js'

test('both tarballs in an empty project: the command serves, sends, checks and demonstrates', async () => {
  const folder = folderOfItsOwn()
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  await must(folder, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...inject('tarballs')])
  const npx = (...args: string[]) => must(folder, 'npx', ['--no-install', 'hookonce', ...args])

  expect(await npx('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
  const command = 'node_modules/@hookonce/server/bin/hookonce.mjs'
  const { url } = await serve(folder, [process.execPath, command], { PORT: '0' })
  await deliverTwice(`${url}/webhook`, { status: 200 })
  expect(await npx('send', '--url', `${url}/webhook`)).toContain('200')
  expect(await npx('doctor')).toContain('ok    store')
  expect(await npx('demo')).toContain('The promise held')
})
