import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The tests of one bug take a minute or two. */
const LONGEST_MS = 400_000

export type Verdict =
  | { passed: true; tests: number }
  /** `by`: the test that failed first. */
  | { passed: false; by: string }

interface Report {
  numTotalTests: number
  success: boolean
  testResults: {
    name: string
    message: string
    assertionResults: { fullName: string; status: string }[]
  }[]
}

/** Runs test files until one test fails. @throws {Error} a file of tests cannot be loaded */
export async function runTests(folder: string, files: readonly string[]): Promise<Verdict> {
  const output = join(folder, 'tests.json')
  rmSync(output, { force: true })
  const args = ['vitest', 'run', '--bail', '1', '--reporter', 'json', '--outputFile', output, ...files]
  // A group of its own, so that all of it ends with it.
  const child = spawn('npx', args, { cwd: folder, stdio: 'ignore', detached: true })
  const end = () => void process.kill(-child.pid!, 'SIGKILL')
  let late = false
  const patience = setTimeout(() => {
    late = true
    end()
  }, LONGEST_MS)
  process.once('SIGINT', end)
  await new Promise(resolve => child.once('close', resolve))
  process.off('SIGINT', end)
  clearTimeout(patience)
  if (late) return { passed: false, by: `no end within ${LONGEST_MS / 1000} s` }
  return verdictOf(JSON.parse(readFileSync(output, 'utf8')) as Report)
}

function verdictOf({ testResults, success, numTotalTests }: Report): Verdict {
  for (const { name, message, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed !== undefined) return { passed: false, by: failed.fullName.trim() }
    if (assertionResults.length === 0 && message !== '') throw new Error(`${name} cannot be loaded: ${message}`)
  }
  if (success) return { passed: true, tests: numTotalTests }
  throw new Error('the tests failed, and no test says why')
}
