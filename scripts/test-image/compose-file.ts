import { parse } from 'yaml'
import { requireTool } from '../test-tools/index.js'
import { attempt, must } from './command.js'

/** What is read of a service, as `docker compose config` writes it. */
export interface Service {
  profiles?: string[]
  command?: string[]
  environment?: Record<string, string | null>
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  stop_grace_period?: string
}

export interface ComposeFile {
  services: Record<string, Service>
}

/** The compose file as Compose understands it. @throws when it finds a fault */
export async function readComposeFile(profiles: string[], env: NodeJS.ProcessEnv = {}): Promise<ComposeFile> {
  const plugin = await attempt(['docker', 'compose', 'version'])
  const command = plugin.code === 0 ? ['docker', 'compose'] : [await requireTool('compose')]
  const args = profiles.flatMap(name => ['--profile', name])
  return parse(await must([...command, ...args, 'config'], { env: { ...process.env, ...env } }))
}
