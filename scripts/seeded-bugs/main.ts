import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bug } from './bug.js'
import { BUGS } from './bugs/index.js'
import { runTests, type Verdict } from './run-tests.js'
import { page } from './table.js'
import { ROOT, Tree } from './tree.js'

const USAGE = `npm run seeded-bugs -- [--only TEXT]… [--page]

  --only  bugs whose name or file has this text in it; may be said several times
  --page  writes docs/internals/seeded-bugs.md, and seeds nothing
`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    page: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) process.stdout.write(USAGE)
else if (values.page) writeFileSync(join(ROOT, 'docs/internals/seeded-bugs.md'), page())
else process.exitCode = await main(values.only)

async function main(only: readonly string[]): Promise<number> {
  const bugs = Object.values(BUGS)
    .flat()
    .filter(({ name, file }) => only.some(text => name.includes(text) || file.includes(text)))
  const tree = new Tree()
  process.once('SIGINT', () => {
    tree.remove()
    process.exit(130)
  })
  try {
    return (await passesWithout(tree, bugs)) ? await seedAll(tree, bugs) : 1
  } finally {
    tree.remove()
  }
}

/** A test that fails anyhow finds nothing. On a busy machine one may fail by accident: then all are asked once more. */
async function passesWithout(tree: Tree, bugs: readonly Bug[]): Promise<boolean> {
  const files = [...new Set(bugs.flatMap(({ tests }) => tests))]
  for (let tries = 1; ; tries++) {
    const verdict = await runTests(tree.folder, files)
    console.log(
      verdict.passed
        ? `${verdict.tests} tests in ${files.length} files pass without a bug`
        : `without a bug there fails: ${verdict.by}`,
    )
    if (verdict.passed || tries === 2) return verdict.passed
  }
}

/** Some cases wait for a moment that a busy machine may not have: a survivor is asked for twice. */
async function verdictOn(tree: Tree, { tests }: Bug): Promise<Verdict> {
  const verdict = await runTests(tree.folder, tests)
  return verdict.passed ? runTests(tree.folder, tests) : verdict
}

async function seedAll(tree: Tree, bugs: readonly Bug[]): Promise<number> {
  const survivors: string[] = []
  for (const bug of bugs) {
    const startedAt = performance.now()
    const takeOut = tree.seed(bug)
    const verdict = await verdictOn(tree, bug).finally(takeOut)
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    if (verdict.passed) survivors.push(bug.name)
    console.log(
      `${verdict.passed ? 'SURVIVED' : 'found'} | ${bug.name} | ${verdict.passed ? '' : verdict.by} | ${seconds} s`,
    )
  }
  console.log(`${bugs.length - survivors.length} of ${bugs.length} bugs were found`)
  for (const name of survivors) console.log(`survived: ${name}`)
  return survivors.length === 0 ? 0 : 1
}
