import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireTool } from '../test-tools/index.js'
import { must, ROOT } from './command.js'

/** The public image that the Dockerfile builds upon, and the Node.js version in its name. */
export function baseImage(): { name: string; version: string } {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  const version = /^ARG NODE_VERSION=(\S+)$/m.exec(dockerfile)?.[1]
  const name = /^FROM (node:\S+)$/m.exec(dockerfile)?.[1]
  if (version === undefined || name === undefined) throw new Error('Dockerfile: no ARG NODE_VERSION, or no FROM node:')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the Dockerfile's
  return { name: name.replace('${NODE_VERSION}', version), version }
}

/**
 * Makes what stands for the base image where no registry of images is reached: Debian by debootstrap, Node.js from npm
 * in the version that the Dockerfile names, this machine's npm with its registry and certificates, the user `node`.
 * Resolves with the folder of its files.
 */
export async function makeBaseFiles(folder: string, nodeVersion: string): Promise<string> {
  const files = join(folder, 'base')
  const local = join(files, 'usr/local')
  const debootstrap = await requireTool('debootstrap')
  await must([debootstrap, '--variant=minbase', 'bookworm', files], { timeoutMs: 600_000 })
  for (const cache of ['var/cache/apt/archives', 'var/lib/apt/lists']) {
    rmSync(join(files, cache), { recursive: true })
    mkdirSync(join(files, cache, 'partial'), { recursive: true })
  }

  const packed = await must(
    ['npm', 'pack', '--silent', '--pack-destination', folder, `node-linux-${process.arch}@${nodeVersion}`],
    { timeoutMs: 300_000 },
  )
  // A version such as 24 is every 24.x: the newest is the last.
  const archive = join(folder, packed.split('\n').at(-1)!)
  await must(['tar', '-xzf', archive, '-C', local, '--strip-components=1', 'package/bin/node'])
  rmSync(archive)

  const npm = join(local, 'lib/node_modules/npm')
  cpSync(join(await must(['npm', 'root', '--global']), 'npm'), npm, { recursive: true })
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
  }
  const settings = [`registry=${await must(['npm', 'config', 'get', 'registry'])}`]
  const certificates = await must(['npm', 'config', 'get', 'cafile'])
  if (certificates !== 'null') {
    cpSync(certificates, join(local, 'etc/certificates.crt'))
    settings.push('cafile=/usr/local/etc/certificates.crt')
  }
  writeFileSync(join(local, 'etc/npmrc'), `${settings.join('\n')}\n`)

  // As in the public image: uid and gid 1000.
  await must(['chroot', files, 'groupadd', '--gid', '1000', 'node'])
  await must(['chroot', files, 'useradd', '--uid', '1000', '--gid', 'node', '--create-home', 'node'])
  return files
}
