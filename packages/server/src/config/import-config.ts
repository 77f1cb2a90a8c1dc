import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SENDERS } from 'hookonce/senders'

/** What a config file may import where its folder has no packages of its own: those of the command. */
const IMPORTS: Record<string, readonly string[]> = {
  '@hookonce/server': [''],
  hookonce: [
    '',
    ...['fetch', 'node', 'express', 'fastify', 'nest', 'koa', 'aws-lambda'].map(name => `/adapters/${name}`),
    ...['memory', 'sqlite', 'redis', 'postgres'].map(name => `/stores/${name}`),
    ...['/testing', '/testing/store'],
    ...[...SENDERS.keys()].map(name => `/senders/${name}`),
    '/senders',
  ],
}

/** The default export of a config file. */
export async function importDefault(path: string): Promise<unknown> {
  if (/^\.[cm]?ts$/.test(extname(path))) return importWithJiti(path)
  try {
    return (await import(pathToFileURL(path).href)).default
  } catch (error) {
    if (!isOwnPackageMissing(error)) throw error
    return importWithJiti(path)
  }
}

async function importWithJiti(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  return createJiti(import.meta.url, { fsCache: false, alias: aliasesFor(path) }).import(path, { default: true })
}

/** It was found before anything of the file ran. */
function isOwnPackageMissing(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find package '(@hookonce\/server|hookonce)'/.test(message)
}

/** Packages that the file's folder has keep their place. */
function aliasesFor(path: string): Record<string, string> {
  const missing = Object.keys(IMPORTS).filter(name => !isInstalled(name, path))
  const names = missing.flatMap(name => IMPORTS[name]!.map(part => name + part))
  return Object.fromEntries(names.map(name => [name, fileURLToPath(import.meta.resolve(name))]))
}

function isInstalled(name: string, path: string): boolean {
  try {
    createRequire(path).resolve(name)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND'
  }
}
