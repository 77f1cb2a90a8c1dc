import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bug } from './bug.js'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The text of a file with the bug in it. @throws {Error} what is to be replaced is not there exactly once */
export function seeded(text: string, { name, file, find, replace }: Bug): string {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${name}: ${file} has ${parts.length - 1} times: ${find}`)
  return parts.join(replace)
}

/** A copy of the working tree, built, whose dependencies are the same files. */
export class Tree {
  readonly folder = mkdtempSync(join(tmpdir(), 'hookonce-seeded-'))

  constructor() {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
    const built = ['packages/hookonce/dist', 'packages/server/dist']
    for (const name of [...listed.toString().split('\0'), ...built]) {
      if (name === '' || !existsSync(join(ROOT, name))) continue
      mkdirSync(dirname(join(this.folder, name)), { recursive: true })
      cpSync(join(ROOT, name), join(this.folder, name), { recursive: true })
    }
    this.#copyDependencies()
  }

  /** Hard links where the temporary folder is on the same disk. */
  #copyDependencies(): void {
    const given = join(ROOT, 'node_modules')
    const copy = join(this.folder, 'node_modules')
    try {
      execFileSync('cp', ['-al', given, copy], { stdio: 'ignore' })
    } catch {
      rmSync(copy, { recursive: true, force: true })
      cpSync(given, copy, { recursive: true, verbatimSymlinks: true })
    }
    // What a run of the tests leaves behind is the copy's own.
    for (const name of ['.vite', '.vite-temp']) rmSync(join(copy, name), { recursive: true, force: true })
  }

  /** Puts the bug in its place, and gives what takes it out again. */
  seed(bug: Bug): () => void {
    const path = join(this.folder, bug.file)
    const before = readFileSync(path, 'utf8')
    this.#write(bug.file, seeded(before, bug))
    return () => this.#write(bug.file, before)
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text)
    // The statements and scripts of a store are compiled into a module.
    if (file.endsWith('.sql')) this.#run('generate-sql')
    if (file.endsWith('.lua')) this.#run('generate-lua')
    this.#run('build-packages')
  }

  #run(script: string): void {
    execFileSync(process.execPath, [`scripts/${script}.mjs`], { cwd: this.folder, stdio: 'ignore' })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }
}
