import { randomUUID } from 'node:crypto'
import { freePort } from '../test-servers/free-port.js'
import { attempt, type Ending, must } from './command.js'
import type { Service } from './compose-file.js'
import type { Engine } from './engine.js'

export interface Container {
  readonly url: string
  /** Runs a command in it, as its user. */
  exec(...command: string[]): Promise<Ending>
  signal(name: 'SIGTERM'): Promise<void>
  /** Its exit code. */
  ended(): Promise<number>
  logs(): Promise<string>
  remove(): Promise<void>
}

export interface ContainerOptions {
  /** Whose restrictions it runs under. */
  service: Service
  env?: Record<string, string>
  /** Mounted at `/data`. */
  volume?: string
}

/** Starts the image on a port of its own of this machine, and waits until its own health check says that it is ready. */
export async function startContainer(engine: Engine, image: string, options: ContainerOptions): Promise<Container> {
  const { service, env = {}, volume } = options
  const name = `hookonce-check-${randomUUID()}`
  const port = await freePort()
  const call = (...args: string[]) => must([...engine.command, ...args], { env: engine.env })
  const run = [
    ...['run', '--detach', '--name', name, '--network', 'host'],
    ...(service.read_only ? engine.readOnly : []),
    ...(service.cap_drop ?? []).map(capability => `--cap-drop=${capability}`),
    // Podman knows it without the value.
    ...(service.security_opt ?? []).map(option => `--security-opt=${option.replace(/:true$/, '')}`),
    ...Object.entries({ ...env, PORT: String(port) }).map(([key, value]) => `--env=${key}=${value}`),
    ...(volume === undefined ? [] : [`--volume=${volume}:/data`]),
    image,
  ]
  await call(...run)
  const container: Container = {
    url: `http://localhost:${port}`,
    exec: (...command) => attempt([...engine.command, 'exec', name, ...command], { env: engine.env }),
    signal: async signal => void (await call('kill', '--signal', signal, name)),
    ended: async () => Number(await call('wait', name)),
    logs: () => call('logs', name),
    async remove() {
      // Podman's rm would let it drain first. One that has ended cannot be killed.
      await attempt([...engine.command, 'kill', name], { env: engine.env })
      await call('rm', '--force', '--volumes', name)
    },
  }
  try {
    await untilHealthy(container, healthCheck(await call('inspect', '--format', CHECK, name)))
    return container
  } catch (error) {
    await container.remove()
    throw error
  }
}

const CHECK = '{{json .Config.Healthcheck.Test}}'

/** The image's own, which Docker runs in the container from time to time. */
function healthCheck(inspected: string): string[] {
  const [kind, ...command] = JSON.parse(inspected) as string[]
  if (kind !== 'CMD') throw new Error(`the image's health check is not a command: ${inspected}`)
  return command
}

async function untilHealthy(container: Container, check: string[]): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const { code, stderr } = await container.exec(...check)
    if (code === 0) return
    if (performance.now() > deadline) throw new Error(`never healthy: ${stderr} ${await container.logs()}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
