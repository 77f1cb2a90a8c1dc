import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import ts from 'typescript'
import { freePort } from '../test-servers/free-port.js'
import { type Block, pages, ROOT } from './pages.js'

/**
 * How a sample is run, as the line says that begins its block:
 * `server PATH [SENDER]`, a program that listens on port 3000; `config PATH [SENDER]`, a config file of the server;
 * `route PATH`, a module that exports POST; `script`, a program that ends by itself.
 */
export interface Sample extends Block {
  kind: string
  path: string
  sender: string | undefined
  /** Where it stands while it is checked: in the repository, so that it finds the packages. */
  folder: string
  file: string
  port: number
}

const CLI = join(ROOT, 'packages/server/dist/cli.js')
const SECRET = `whsec_${randomBytes(32).toString('base64')}`
const NAMES: Record<string, string> = { config: 'hookonce.config', route: 'route' }

/** Blocks of code in the pages for users. */
export const code = (): Block[] =>
  pages('README.md', 'docs').flatMap(({ blocks }) => blocks.filter(({ lang }) => lang === 'js' || lang === 'ts'))

/** Writes down those that say how they are run, each in a folder of its own. */
export async function writeSamples(): Promise<{ samples: Sample[]; remove: () => void }> {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const all = mkdtempSync(join(ROOT, '.cache/docs-check-'))
  writeFileSync(join(all, 'package.json'), '{"type":"module"}')
  const samples: Sample[] = []
  for (const block of code().filter(({ meta }) => meta !== '')) {
    const [kind = '', path = '', sender] = block.meta.split(' ')
    const folder = join(all, String(samples.length))
    const file = join(folder, `${NAMES[kind] ?? 'sample'}.${block.lang}`)
    const port = kind === 'server' || kind === 'config' ? await freePort() : 0
    mkdirSync(folder)
    writeFileSync(file, kind === 'server' ? block.text.replaceAll('3000', String(port)) : block.text)
    samples.push({ ...block, kind, path, sender, folder, file, port })
  }
  return { samples, remove: () => rmSync(all, { recursive: true, force: true }) }
}

/** What the compiler says of the samples, with the line of the page. */
export function typeErrors(samples: Sample[]): string[] {
  const base = ts.parseConfigFileTextToJson('', ts.sys.readFile(join(ROOT, 'tsconfig.base.json'))!).config
  const { options } = ts.convertCompilerOptionsFromJson(base.compilerOptions, ROOT)
  const files = samples.map(({ file }) => file)
  const unused = { noUnusedLocals: false, noUnusedParameters: false }
  const program = ts.createProgram(files, { ...options, ...unused, allowJs: true, checkJs: true, noEmit: true })
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const sample = samples.find(sample => sample.file === file?.fileName)
    const line = (sample?.line ?? 0) + 1 + (file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0)
    return `${sample?.page}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}

const TWO_REQUESTS = `
const { POST } = await import('./route.js')
const request = () => new Request(process.argv[1], { method: 'POST', headers: { 'X-Idempotency-Key': 'k' }, body: '{"event":"e"}' })
for (const cached of [null, 'true']) {
  const answer = await POST(request())
  if (answer.status !== 200 || answer.headers.get('x-cached') !== cached) throw new Error(await answer.text())
}
process.exit()`

/** Runs a sample; one that takes deliveries gets one twice. @throws {Error} the second one is no replay */
export async function run(sample: Sample): Promise<void> {
  const { kind, folder, file, path } = sample
  if (kind === 'script') return succeed(launch([file], sample))
  if (kind === 'route') {
    const { outputText } = ts.transpileModule(sample.text, { compilerOptions: { target: ts.ScriptTarget.ES2023 } })
    writeFileSync(join(folder, 'route.js'), outputText)
    return succeed(launch(['--input-type=module', '--eval', TWO_REQUESTS, `http://localhost${path}`], sample))
  }
  if (kind !== 'server' && kind !== 'config') throw new Error(`a sample says how it is run, not ${sample.meta}`)
  const program = launch([kind === 'server' ? file : CLI], sample)
  try {
    await Promise.race([listens(sample.port), succeed(program).then(() => Promise.reject(new Error('it ended')))])
    await deliverTwice(sample)
  } finally {
    if (program.exitCode === null && program.kill('SIGKILL')) await once(program, 'exit')
    rmSync(join(folder, 'data'), { recursive: true, force: true })
  }
}

function launch(args: string[], { folder, port }: Sample): ChildProcess {
  const env = { PATH: process.env.PATH, PORT: String(port), STRIPE_SECRET: SECRET, SVIX_SECRET: SECRET }
  return spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function succeed(child: ChildProcess): Promise<void> {
  const output: string[] = []
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => output.push(String(chunk)))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`it ended with ${code}: ${output.join('')}`)
}

async function listens(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, 'localhost')
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (connected) return
    await sleep(20)
  }
}

async function deliverTwice({ port, path, sender, folder }: Sample): Promise<void> {
  const signed = sender === undefined ? [] : ['--sender', sender]
  const url = `http://localhost:${port}${path}`
  const child = spawn(process.execPath, [CLI, 'send', '--url', url, '--times', '2', '--json', ...signed], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOOKONCE_SECRET: SECRET },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const [code] = await once(child, 'close')
  const cached = [...output.matchAll(/"cached":(\w+)/g)].map(([, value]) => value)
  if (code !== 0 || cached.join() !== 'false,true') throw new Error(`two deliveries were answered: ${output}`)
}
