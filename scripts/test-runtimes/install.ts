import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { lastLine, run } from '../test-tools/run.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder whose `node_modules` has the tools of package.json and the packed library. */
    tools: string
    /** The packed library and the packed server. */
    tarballs: string[]
    /** The commands of Node.js, by version. */
    nodes: Record<string, string>
  }
}

/** The oldest that is supported, and of each later line the newest. */
const NODE_VERSIONS = ['20.19.0', '22.23.5', '24.22.3', '26.12.1']

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = join(ROOT, '.cache/test-runtimes')
const MANIFEST = readFileSync(new URL('./package.json', import.meta.url), 'utf8')

/** Before the first test: installs what is not in the cache, and packs both packages as they are built. */
export default async function setup({ provide }: TestProject): Promise<() => void> {
  const nodes: Record<string, string> = {}
  for (const version of NODE_VERSIONS) nodes[version] = await installNode(version)
  const tools = await installed(createHash('sha256').update(MANIFEST).digest('hex').slice(0, 12), MANIFEST)
  const packed = mkdtempSync(join(CACHE, 'packed-'))
  const tarballs = await pack(packed)
  const library = join(tools, 'node_modules/hookonce')
  rmSync(library, { recursive: true, force: true })
  mkdirSync(library)
  await must('tar', ['-xzf', tarballs[0]!, '--strip-components=1', '-C', library], ROOT)
  provide('nodes', nodes)
  provide('tools', tools)
  provide('tarballs', tarballs)
  return () => rmSync(packed, { recursive: true })
}

async function installNode(version: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const folder = await installed(
    `node-${version}`,
    JSON.stringify({ private: true, dependencies: { [name]: version } }),
  )
  return join(folder, 'node_modules', name, 'bin/node')
}

/** A folder of the cache where npm has installed the manifest. It gets its name when that is done. */
async function installed(name: string, manifest: string): Promise<string> {
  const folder = join(CACHE, name)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const draft = mkdtempSync(join(CACHE, 'installing-'))
  writeFileSync(join(draft, 'package.json'), manifest)
  await must('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], draft)
  renameSync(draft, folder)
  return folder
}

async function pack(folder: string): Promise<string[]> {
  const workspaces = ['packages/hookonce', 'packages/server'].map(path => `--workspace=${path}`)
  const output = await must(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder, ...workspaces],
    ROOT,
  )
  const packed: { filename: string }[] = JSON.parse(output.slice(output.indexOf('[')))
  return packed.map(({ filename }) => join(folder, filename))
}

/** The output of a command, which must succeed. */
async function must(command: string, args: string[], cwd: string): Promise<string> {
  const { PATH, HOME, TMPDIR } = process.env
  const { code, output } = await run(command, args, { PATH, HOME, TMPDIR }, cwd)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${lastLine(output)}`)
  return output
}
