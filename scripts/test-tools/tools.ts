import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preparePython } from './python.js'
import type { Tool } from './tool.js'

const SCHEMATHESIS = fileURLToPath(new URL('../test-api/requirements.txt', import.meta.url))
const KUBERNETES_VALIDATE = fileURLToPath(new URL('../test-deploy/requirements.txt', import.meta.url))

/** Every tool that `requireTool` knows. */
export const TOOLS = {
  python: {
    name: 'Python 3.9 or newer',
    why: 'the tests of examples/fastapi run a FastAPI application',
    env: 'HOOKONCE_TEST_PYTHON',
    given: { works: ['-c', 'import fastapi, uvicorn'], is: 'a Python that can import fastapi and uvicorn' },
    commands: ['python3', 'python'],
    // Debian's python3 has no ensurepip until python3-venv is there.
    works: ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))'],
    apt: ['python3', 'python3-venv'],
    prepare: preparePython,
  },
  redis: {
    name: 'redis-server 7 or newer',
    why: 'the tests of the Redis store start servers of their own',
    env: 'HOOKONCE_TEST_REDIS_SERVER',
    commands: ['redis-server', 'valkey-server'],
    works: ['--version'],
    apt: ['redis-server'],
  },
  postgres: {
    name: 'Postgres 13 or newer',
    why: 'the tests of the Postgres store start servers of their own',
    env: 'HOOKONCE_TEST_POSTGRES',
    commands: ['postgres'],
    folders: debianPostgres,
    works: ['--version'],
    apt: ['postgresql'],
  },
  pgbouncer: {
    name: 'PgBouncer',
    why: 'the tests of the Postgres store go through it',
    env: 'HOOKONCE_TEST_PGBOUNCER',
    commands: ['pgbouncer'],
    // Not on everybody's PATH.
    folders: () => ['/usr/sbin', '/usr/local/sbin'],
    works: ['--version'],
    apt: ['pgbouncer'],
  },
  schemathesis: {
    name: 'Python 3.10 or newer, for Schemathesis',
    why: 'npm run test:api asks the server whatever /openapi.json allows',
    env: 'HOOKONCE_TEST_SCHEMATHESIS',
    given: { works: ['--version'], is: "Schemathesis' command, st" },
    commands: ['python3', 'python'],
    works: ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'],
    apt: ['python3', 'python3-venv'],
    prepare: async python => join(dirname(await preparePython(python, SCHEMATHESIS)), 'st'),
  },
  kubernetesValidate: {
    name: 'Python 3.9 or newer, for kubernetes-validate',
    why: 'npm run test:deploy holds the manifests against the schemas of Kubernetes',
    env: 'HOOKONCE_TEST_KUBERNETES_VALIDATE',
    given: { works: ['--version'], is: 'the command kubernetes-validate' },
    commands: ['python3', 'python'],
    works: ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))'],
    apt: ['python3', 'python3-venv'],
    prepare: async python => join(dirname(await preparePython(python, KUBERNETES_VALIDATE)), 'kubernetes-validate'),
  },
  systemd: {
    name: 'systemd-analyze of systemd 252 or newer',
    why: 'npm run test:deploy checks the unit with it',
    env: 'HOOKONCE_TEST_SYSTEMD_ANALYZE',
    commands: ['systemd-analyze'],
    works: ['--version'],
    apt: ['systemd'],
  },
  nginx: {
    name: 'nginx',
    why: 'npm run test:deploy sends deliveries through it',
    env: 'HOOKONCE_TEST_NGINX',
    commands: ['nginx'],
    folders: () => ['/usr/sbin'],
    works: ['-v'],
    apt: ['nginx-light'],
  },
  caddy: {
    name: 'Caddy 2.6 or newer',
    why: 'npm run test:deploy sends deliveries through it',
    env: 'HOOKONCE_TEST_CADDY',
    commands: ['caddy'],
    works: ['version'],
    apt: ['caddy'],
  },
  haproxy: {
    name: 'HAProxy 2.4 or newer',
    why: 'npm run test:deploy asks operator routes through it',
    env: 'HOOKONCE_TEST_HAPROXY',
    commands: ['haproxy'],
    folders: () => ['/usr/sbin'],
    works: ['-v'],
    apt: ['haproxy'],
  },
  chromium: {
    name: 'Chromium',
    why: 'the tests of the dashboard look at it with a browser',
    env: 'CHROME_PATH',
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    works: ['--version'],
    apt: ['chromium'],
  },
  prometheus: {
    name: 'Prometheus 2.40 or newer',
    why: 'the tests run the rules and the dashboard against a server with it',
    env: 'HOOKONCE_TEST_PROMETHEUS',
    commands: ['prometheus'],
    works: ['--version'],
    apt: ['prometheus'],
  },
  promtool: {
    name: 'promtool',
    why: 'the tests check the rules for Prometheus with it',
    env: 'HOOKONCE_TEST_PROMTOOL',
    commands: ['promtool'],
    works: ['--version'],
    apt: ['prometheus'],
  },
  compose: {
    name: 'docker-compose 1.28 or newer',
    why: 'npm run test:image reads docker-compose.yml as it does',
    env: 'HOOKONCE_TEST_COMPOSE',
    commands: ['docker-compose'],
    works: ['version'],
    apt: ['docker-compose'],
  },
  podman: {
    name: 'Podman 4 or newer',
    why: 'npm run test:image builds and runs the image with it where no Docker runs',
    env: 'HOOKONCE_TEST_PODMAN',
    commands: ['podman'],
    works: ['--version'],
    apt: ['podman'],
  },
  runc: {
    name: 'runc',
    why: 'npm run test:image runs containers with it where no Docker runs',
    env: 'HOOKONCE_TEST_RUNC',
    commands: ['runc'],
    folders: () => ['/usr/sbin'],
    works: ['--version'],
    apt: ['runc'],
  },
  debootstrap: {
    name: 'debootstrap',
    why: 'npm run test:image makes a base image with it where no Docker runs',
    env: 'HOOKONCE_TEST_DEBOOTSTRAP',
    commands: ['debootstrap'],
    folders: () => ['/usr/sbin'],
    works: ['--version'],
    apt: ['debootstrap'],
  },
} satisfies Record<string, Tool>

/** Debian keeps the server's commands out of PATH, a folder for each version: newest first. */
function debianPostgres(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  return versions.map(version => join(root, version, 'bin'))
}

export type ToolName = keyof typeof TOOLS
