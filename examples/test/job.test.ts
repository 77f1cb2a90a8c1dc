import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inRepository, runToEnd, temporaryFolder } from './support/process.js'

test('Job: one mail per order, from two runs at the same time and one later', async () => {
  const cwd = temporaryFolder()
  const run = () => runToEnd(process.execPath, [inRepository('examples/job/mails.js')], { cwd })
  const together = await Promise.all([run(), run()])
  const later = await run()
  for (const { code, output } of [...together, later]) {
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^(order-\d: .*\n){3}$/) })
  }
  expect(later.output.match(/was sent before/g)).toHaveLength(3)

  const outbox = readFileSync(join(cwd, 'outbox.txt'), 'utf8').trim().split('\n')
  expect(outbox.map(line => line.split(' ')[0]).sort()).toEqual(['order-1', 'order-2', 'order-3'])
  for (const line of outbox) expect(later.output).toContain(line.split(' ')[2])
})
