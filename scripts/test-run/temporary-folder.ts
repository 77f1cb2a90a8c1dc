import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Before the first test: gives a run one folder for whatever is temporary, and removes it after the last. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-tests-'))
  // Servers that refuse to run as root have their files in it too.
  chmodSync(folder, 0o711)
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  process.env.TEST_RUN_FOLDER = folder
  return () => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    delete process.env.TEST_RUN_FOLDER
    // What a test has just killed may write a last time.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  }
}
