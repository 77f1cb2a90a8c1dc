import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { start } from '../../../examples/test/support/process.js'
import { ROOT } from '../pages.js'

test('the reference has every metric of a server, and no other', async () => {
  const { url } = await start(process.execPath, [join(ROOT, 'packages/server/dist/cli.js')], { env: { PORT: '0' } })
  const text = await (await fetch(`${url}/metrics`)).text()
  const served = [...text.matchAll(/^# TYPE hookonce_(\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)

  const page = readFileSync(join(ROOT, 'docs/reference/metrics-and-logs.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (`[a-z_`, ]+`) \| (counter|gauge|histogram) \|/gm)]
  const documented = rows.flatMap(([, names, type]) => names!.split(', ').map(name => `${name.slice(1, -1)} ${type}`))
  expect(documented.sort()).toEqual(served.sort())
})
