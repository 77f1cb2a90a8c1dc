import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '../test-tools/index.js'
import { baseImage, makeBaseFiles } from './base-image.js'
import { attempt, type CommandOptions, must } from './command.js'

/** Builds images and runs containers: Docker's command, or Podman's, which is alike. */
export interface Engine {
  /** For people: what it is, and where the base image is from. */
  readonly about: string
  /** The command, and the arguments that every use of it begins with. */
  readonly command: string[]
  readonly env: NodeJS.ProcessEnv
  /** The arguments of `run` for a root file system that nobody can write to, `/tmp` included. */
  readonly readOnly: string[]
  build(tag: string): Promise<void>
  /** Removes what it left on the machine. */
  close(): Promise<void>
}

const BUILD: CommandOptions = { timeoutMs: 900_000 }

/** The Docker that runs on this machine, otherwise a Podman of the test's own. @throws {ToolMissingError} */
export async function openEngine(): Promise<Engine> {
  const docker = await attempt(['docker', 'info', '--format', '{{.ServerVersion}}'], { timeoutMs: 10_000 })
  const version = docker.stdout.trim()
  return docker.code === 0 && version !== '' ? dockerEngine(version) : podmanEngine()
}

function dockerEngine(version: string): Engine {
  const command = ['docker']
  const env = process.env
  let built: string | undefined
  return {
    about: `Docker ${version}, upon the public image ${baseImage().name}`,
    command,
    env,
    readOnly: ['--read-only'],
    async build(tag) {
      await must([...command, 'build', '--tag', tag, '.'], BUILD)
      built = tag
    },
    async close() {
      if (built !== undefined) await must([...command, 'rmi', built])
    },
  }
}

async function podmanEngine(): Promise<Engine> {
  const [podman, runc] = [await requireTool('podman'), await requireTool('runc')]
  if (process.getuid?.() !== 0) throw new Error('without a running Docker, npm run test:image must be run as root')
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-image-'))
  const file = (name: string, lines: string[]) => {
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`)
    return join(folder, name)
  }
  const storage = ['[storage]', 'driver = "overlay"', `graphroot = "${folder}/storage"`, `runroot = "${folder}/run"`]
  const env = {
    ...process.env,
    CONTAINERS_STORAGE_CONF: file('storage.conf', storage),
    // Neither needs systemd, a unified cgroup hierarchy or the right to raise limits, which crun does.
    CONTAINERS_CONF: file('containers.conf', [
      '[containers]',
      'default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]',
      '[engine]',
      `runtime = "${runc}"`,
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
    ]),
  }
  const command = [podman]
  const close = async () => {
    await must([podman, 'rmi', '--all', '--force'], { env })
    rmSync(folder, { recursive: true })
  }
  try {
    const { name, version } = baseImage()
    const files = await makeBaseFiles(folder, version)
    const archive = join(folder, 'base.tar')
    await must(['tar', '-cf', archive, '-C', files, '.'], BUILD)
    await must([podman, 'import', archive, `docker.io/library/${name}`], { env, ...BUILD })
    for (const path of [files, archive]) rmSync(path, { recursive: true })
    return {
      about: `${await must([podman, '--version'], { env })}, upon a base image made here, in the place of ${name}`,
      command,
      env,
      readOnly: ['--read-only', '--read-only-tmpfs=false'],
      async build(tag) {
        const network = ['--network', 'host', '--pull-never', '--format', 'docker']
        await must([podman, 'build', ...network, '--tag', tag, '.'], { env, ...BUILD })
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
