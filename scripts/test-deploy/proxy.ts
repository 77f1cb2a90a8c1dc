import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { until } from '../../packages/server/test/process/support/until.js'
import { temporaryFolder } from '../../packages/server/test/support/server.js'
import { freePort } from '../test-servers/free-port.js'
import { requireTool } from '../test-tools/index.js'

const proxies: ChildProcess[] = []

/** nginx with what `sites` puts into its http context for a port. Gives its URL. */
export async function startNginx(sites: (port: number) => string): Promise<string> {
  const nginx = await requireTool('nginx')
  const folder = temporaryFolder()
  const port = await freePort()
  writeFileSync(join(folder, 'sites.conf'), sites(port))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/${name};`)
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${paths.join(' ')} include ${folder}/sites.conf; }`,
  )
  return started(spawn(nginx, ['-e', 'stderr', '-c', join(folder, 'nginx.conf')]), port)
}

export async function startCaddy(sites: (port: number) => string): Promise<string> {
  const caddy = await requireTool('caddy')
  const folder = temporaryFolder()
  const port = await freePort()
  const path = join(folder, 'Caddyfile')
  writeFileSync(path, `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n${sites(port)}`)
  return started(
    spawn(caddy, ['run', '--adapter', 'caddyfile', '--config', path], { env: { ...process.env, HOME: folder } }),
    port,
  )
}

export async function startHaproxy(sites: (port: number) => string): Promise<string> {
  const haproxy = await requireTool('haproxy')
  const port = await freePort()
  const path = join(temporaryFolder(), 'haproxy.cfg')
  writeFileSync(path, sites(port))
  return started(spawn(haproxy, ['-db', '-f', path]), port)
}

export async function stopProxies(): Promise<void> {
  for (const proxy of proxies.splice(0)) {
    proxy.kill('SIGTERM')
    if (proxy.exitCode === null && proxy.signalCode === null) await once(proxy, 'exit')
  }
}

async function started(proxy: ChildProcess, port: number): Promise<string> {
  proxies.push(proxy)
  let output = ''
  proxy.stderr!.on('data', chunk => {
    output += chunk
  })
  await until(`${proxy.spawnfile} listens`, async () => {
    if (proxy.exitCode !== null) throw new Error(output)
    return listens(port)
  })
  return `http://127.0.0.1:${port}`
}

function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return new Promise(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).then(answer => {
    socket.destroy()
    return answer as boolean
  })
}
