import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { SENDERS } from '../../../packages/hookonce/dist/senders/index.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

function generate(folder: string, ...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/generate-docs.mjs'), ...args])
  return { status, stderr: stderr.toString() }
}

/** What the generator reads and writes, to be spoiled. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'docs-pages-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const path of ['scripts', 'docs/reference']) cpSync(join(root, path), join(folder, path), { recursive: true })
  for (const path of ['packages', 'node_modules']) symlinkSync(join(root, path), join(folder, path))
  return folder
}

test('every sender has a page, and nobody else has one', () => {
  const pages = readdirSync(join(root, 'docs/reference/senders')).map(file => file.replace(/\.md$/, ''))
  expect(pages.sort()).toEqual([...SENDERS.keys()].sort())
})

test('the check names what is out of date, nothing else is, and without it that is mended', () => {
  const folder = copy()
  const read = (path: string) => readFileSync(join(folder, path), 'utf8')
  const before = ['docs/reference/senders/stripe.md', 'docs/reference/senders.md'].map(read)
  writeFileSync(join(folder, 'docs/reference/senders/stripe.md'), before[0]!.replace('30 days', '3 days'))
  writeFileSync(join(folder, 'docs/reference/senders/nobody.md'), '# Nobody')
  writeFileSync(join(folder, 'docs/reference/senders.md'), before[1]!.replace('(senders/stripe.md)', '(senders/x.md)'))
  const { status, stderr } = generate(folder, '--check')
  const told = ['docs/reference/senders/stripe.md', 'docs/reference/senders.md', 'docs/reference/senders/nobody.md']
  expect([status, stderr.trim().split('\n').sort()]).toEqual([
    1,
    told.map(path => `${path} is out of date: run node scripts/generate-docs.mjs`).sort(),
  ])
  expect(generate(folder)).toEqual({ status: 0, stderr: '' })
  expect(['docs/reference/senders/stripe.md', 'docs/reference/senders.md'].map(read)).toEqual(before)
  expect(readdirSync(join(folder, 'docs/reference/senders'))).not.toContain('nobody.md')
})

test.each([...SENDERS.values()].map(({ facts }) => facts))('the page of $name makes it as it is made', async facts => {
  const page = readFileSync(join(root, `docs/reference/senders/${facts.name}.md`), 'utf8')
  const imports = [...page.matchAll(/import \{ (\w+) \} from '(hookonce\/senders\/[a-z-]+)'/g)]
  expect(imports).toHaveLength(2)
  for (const [, factory, module] of imports) {
    expect(module).toBe(`hookonce/senders/${facts.name}`)
    const path = `../../../packages/hookonce/dist/senders/${facts.name}.js`
    expect(await import(path)).toHaveProperty(factory!, expect.any(Function))
    expect(page).toContain(`sender: ${factory}(`)
  }
})
