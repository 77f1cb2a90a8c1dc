import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import type { ServerProcess } from './server.js'

const NEEDED = 'this test mounts a file system: run it on Linux, as root or where user namespaces are allowed'

/** The command that gives what it runs mounts of its own, which end with it; the server stays the child process. */
function namespace(): string[] {
  for (const command of [
    ['unshare', '-m'],
    ['unshare', '-r', '-m'],
  ]) {
    const [file = '', ...options] = command
    const { status } = spawnSync(file, [...options, 'sh', '-c', 'mount -t tmpfs hookonce /mnt'])
    if (status === 0) return command
  }
  throw new Error(NEEDED)
}

/** Runs a server with a file system of some MiB at `folder`, which nobody else sees. */
export function onSmallDisk(folder: string, mebibytes: number): string[] {
  return [...namespace(), 'sh', '-c', `mount -t tmpfs -o size=${mebibytes}m hookonce "$0" && exec "$@"`, folder]
}

/** Runs a server that sees `folder`, with an empty file `hookonce.db`, on a read-only file system. */
export function onReadOnlyDisk(folder: string): string[] {
  const script = 'mount -t tmpfs hookonce "$0" && : > "$0/hookonce.db" && mount -o remount,ro "$0" && exec "$@"'
  return [...namespace(), 'sh', '-c', script, folder]
}

/** For root, whom file modes do not stop, the command that runs a server without that privilege. */
export function boundByModes(): string[] {
  if (process.getuid?.() !== 0) return []
  return ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--']
}

/** Fills the disk to its last byte; gives back what makes room again. */
export function fill(server: ServerProcess, folder: string): () => void {
  const ballast = `/proc/${server.pid}/root${folder}/ballast`
  for (const size of [65_536, 4_096]) {
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  return () => rmSync(ballast)
}
