import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answer } from 'hookonce'
import type { Encoding } from '../http/accept-encoding.js'

/** The build of packages/dashboard; the same path from `src` and from `dist`. */
const FOLDER = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url))
export const PAGE = 'index.html'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Only its own files and its own server; no script from a string. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** A file, and what the build compressed of it. */
export interface DashboardFile {
  plain: Answer
  encoded: ReadonlyMap<Encoding, Answer>
}

const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

/** The files by name; none if the dashboard is not built. */
export function dashboardFiles(): Map<string, DashboardFile> {
  const files = new Map<string, DashboardFile>()
  const names = namesIn(FOLDER)
  for (const name of names) {
    const type = TYPES[extname(name)]
    if (type === undefined) continue
    const kept = ENCODINGS.filter(([, extension]) => names.includes(name + extension))
    const plain = fileAnswer(name, type, kept.length > 0)
    const encoded = kept.map(([encoding, extension]): [Encoding, Answer] => [
      encoding,
      {
        ...plain,
        headers: [...plain.headers, ['content-encoding', encoding]],
        body: readFileSync(join(FOLDER, name + extension)),
      },
    ])
    files.set(name, { plain, encoded: new Map(encoded) })
  }
  return files
}

/** The page for an address without a slash at its end: relative to that, its files are in a folder. */
export function withoutSlash(page: Answer): Answer {
  const html = Buffer.from(page.body).toString().replaceAll('="./', '="./dashboard/')
  return { ...page, body: Buffer.from(html) }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => name.replaceAll('\\', '/'))
  } catch {
    return []
  }
}

/** The name of every file except the page contains a hash of its content. */
function fileAnswer(name: string, type: string, varies: boolean): Answer {
  return {
    status: 200,
    headers: [
      ['content-type', type],
      ['cache-control', name === PAGE ? 'no-cache' : 'public, max-age=31536000, immutable'],
      ['content-security-policy', POLICY],
      ...(varies ? ([['vary', 'accept-encoding']] as const) : []),
    ],
    body: readFileSync(join(FOLDER, name)),
    outcome: 'executed',
  }
}
