import { extname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SENDERS } from 'hookonce/senders'

/**
 * The default export of a config file, in JavaScript or TypeScript. It may lie where neither this package nor the library is
 * installed: what it imports of them is what runs.
 */
export async function importDefault(path: string): Promise<unknown> {
  if (!/^\.[cm]?ts$/.test(extname(path))) {
    try {
      return (await import(pathToFileURL(path).href)).default
    } catch (error) {
      if (!isOursMissing(error as NodeJS.ErrnoException)) throw error
    }
  }
  const { createJiti } = await import('jiti')
  const alias = Object.fromEntries(OURS.map(name => [name, fileURLToPath(import.meta.resolve(name))]))
  return createJiti(import.meta.url, { fsCache: false, alias }).import(path, { default: true })
}

const OURS = [
  '@hookonce/server',
  'hookonce',
  'hookonce/senders',
  ...[...SENDERS.keys()].map(name => `hookonce/senders/${name}`),
]

const isOursMissing = ({ code, message }: NodeJS.ErrnoException): boolean =>
  code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find package '(@hookonce\/server|hookonce)'/.test(message)
