import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SENDERS } from 'hookonce/senders'
import ts from 'typescript'
import { freePort } from '../test-servers/free-port.js'
import { type Block, pages, ROOT } from './pages.js'

/**
 * A block of code in a page for users. How it is run, the line says that begins it:
 * `server PATH [SENDER]`, a program that listens on port 3000; `config PATH [SENDER]`, a config file of the server;
 * `route PATH`, a module that exports POST; `script`, a program that ends by itself; nothing, a part of a program,
 * which is compiled beside the names of {@link REST}.
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
/** Of NestJS. */
const DECORATORS = { experimentalDecorators: true, emitDecoratorMetadata: true }
/** Modules that only an application of these frameworks has. */
const FRAMEWORKS = {
  'nitro/h3': [join(ROOT, 'examples/nitro/node_modules/nitro/lib/deps/h3.d.mts')],
  '$lib/*': [join(ROOT, 'examples/sveltekit/src/lib/*')],
}
const NAMES: Record<string, string> = { config: 'hookonce.config', route: 'route' }

/** What a part of a program takes from the rest of it. */
const REST = join(ROOT, 'scripts/docs-check/rest-of-program.ts')

const blocks = (): Block[] =>
  pages('README.md', 'docs').flatMap(({ blocks }) => blocks.filter(({ lang }) => lang === 'js' || lang === 'ts'))

/** Writes them down, each in a folder of its own. */
export async function writeSamples(): Promise<{ samples: Sample[]; remove: () => void }> {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const all = mkdtempSync(join(ROOT, '.cache/docs-check-'))
  writeFileSync(join(all, 'package.json'), '{"type":"module"}')
  const samples: Sample[] = []
  for (const block of blocks()) {
    const [kind = '', path = '', sender] = block.meta.split(' ')
    const folder = join(all, String(samples.length))
    const file = join(folder, `${NAMES[kind] ?? 'sample'}.${block.lang}`)
    const port = kind === 'server' || kind === 'config' ? await freePort() : 0
    const text = kind === 'server' ? block.text.replaceAll('3000', String(port)) : block.text
    mkdirSync(folder)
    writeFileSync(file, text)
    samples.push({ ...block, text, kind, path, sender, folder, file, port })
  }
  return { samples, remove: () => rmSync(all, { recursive: true, force: true }) }
}

/** What the compiler says of the samples, with the line of the page. */
export function typeErrors(samples: Sample[]): string[] {
  const base = ts.parseConfigFileTextToJson('', ts.sys.readFile(join(ROOT, 'tsconfig.base.json'))!).config
  const { options } = ts.convertCompilerOptionsFromJson(base.compilerOptions, ROOT)
  const unused = { noUnusedLocals: false, noUnusedParameters: false }
  const program = ts.createProgram([REST, ...samples.map(({ file }) => file)], {
    ...options,
    ...unused,
    ...DECORATORS,
    paths: FRAMEWORKS,
    allowJs: true,
    checkJs: true,
    noEmit: true,
  })
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
  const url = `http://localhost:${sample.port}${sample.path}`
  switch (sample.kind) {
    case 'script':
      return succeed(launch([javascript(sample)], sample))
    case 'route':
      javascript(sample)
      return succeed(launch(['--input-type=module', '--eval', TWO_REQUESTS, url], sample))
    case 'server':
      return answerTwice(launch([javascript(sample)], sample), url, sample)
    case 'config':
      return answerTwice(launch([CLI], sample), url, sample)
    default:
      throw new Error(`a sample says how it is run, not ${sample.meta}`)
  }
}

/** The file that Node.js runs: TypeScript without its types. */
function javascript({ file, lang, text }: Sample): string {
  if (lang === 'js') return file
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, ...DECORATORS },
  })
  const output = file.replace(/ts$/, 'js')
  writeFileSync(output, outputText)
  return output
}

interface Program {
  output: string
  exited: Promise<number | null>
  process: ChildProcess
}

function launch(args: string[], { folder, port }: Sample): Program {
  const env = { PATH: process.env.PATH, PORT: String(port), STRIPE_SECRET: SECRET, SVIX_SECRET: SECRET }
  const child = spawn(process.execPath, args, { cwd: folder, env })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  const program: Program = { output: '', exited, process: child }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (program.output += chunk))
  return program
}

async function succeed({ exited, ...program }: Program): Promise<void> {
  const code = await exited
  if (code !== 0) throw new Error(`it ended with ${code}: ${program.output}`)
}

async function answerTwice(program: Program, url: string, { sender }: Sample): Promise<void> {
  const { body, headers } = eventOf(url, sender)
  try {
    for (const cached of [null, 'true']) {
      const answer = await untilItListens(program, async () => {
        const first = await fetch(url, { method: 'POST', headers, body })
        // On a starved machine the store may be late; a sender delivers again.
        if (first.status === 503) throw new Error(await first.text())
        return first
      })
      if (answer.ok && answer.headers.get('x-cached') === cached) continue
      throw new Error(`${answer.status}, X-Cached: ${answer.headers.get('x-cached')}: ${await answer.text()}`)
    }
  } finally {
    program.process.kill('SIGKILL')
    await program.exited
  }
}

function eventOf(url: string, name: string | undefined) {
  const event = { id: 'evt_1', now: Date.now() }
  if (name === undefined) {
    return {
      body: '{"event":"test.event"}',
      headers: { 'X-Idempotency-Key': event.id, 'Content-Type': 'application/json' },
    }
  }
  const kind = SENDERS.get(name)!
  const { body, contentType, headers } = kind.examples(event)[0]!
  const sender = kind.create({ secrets: [SECRET] })
  const signed = sender.sign({ method: 'POST', url, body: Buffer.from(body), ...event })
  return { body, headers: Object.fromEntries([['content-type', contentType], ...headers, ...signed]) }
}

async function untilItListens<T>(program: Program, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 50_000
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const { exitCode } = program.process
      if (exitCode !== null || performance.now() > deadline) throw new Error(program.output, { cause: error })
      await sleep(20)
    }
  }
}
