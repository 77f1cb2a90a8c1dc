import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { runCli, startServer, stopServers, temporaryFolder } from './support/server.js'

afterAll(stopServers)

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const yaml = (name: string) => parse(text(`deploy/kubernetes/${name}`))

const unit = text('deploy/systemd/hookonce.service')
const deployed = readdirSync(join(ROOT, 'deploy'), { recursive: true, withFileTypes: true })
  .filter(file => file.isFile())
  .map(file => relative(ROOT, join(file.parentPath, file.name)))

/** What the shutdown takes beyond its drain, rounded up. */
const AFTER_DRAIN_SECONDS = 3

/** Lines `NAME=value`. */
function variables(lines: string): Record<string, string> {
  return Object.fromEntries([...lines.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
}

test('every HOOKONCE_ variable of deploy/, the compose file and the image is a setting', async () => {
  const known = new Set((await runCli({ args: ['--help'] })).stdout.match(/\bHOOKONCE_[A-Z_]+/g))
  const used = ['docker-compose.yml', 'Dockerfile', ...deployed].flatMap(path =>
    (text(path).match(/\bHOOKONCE_[A-Z_]+/g) ?? []).map(name => `${path}: ${name}`),
  )
  expect(used.length).toBeGreaterThan(50)
  expect(used.filter(use => !known.has(use.split(': ')[1]!))).toEqual([])
})

test('the compose file hands on every setting there is, but for the files that hold secrets', async () => {
  const { stdout } = await runCli({ args: ['--help'] })
  const settings = [...new Set(stdout.match(/\b(HOOKONCE_[A-Z_]+|LOG_LEVEL|LOG_FORMAT)\b/g))].filter(
    name => !name.endsWith('_FILE'),
  )
  const { services } = parse(text('docker-compose.yml'), { merge: true })
  for (const name of ['hookonce', 'hookonce-postgres']) {
    expect(Object.keys(services[name].environment).sort()).toEqual(settings.sort())
  }
})

test('the server starts with what the unit gives it, and its stop is waited for', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'hookonce'))
  writeFileSync(join(folder, 'admin-token'), 'a-token-for-tests\n')
  expect(unit).toContain('\nLoadCredential=admin-token:')
  const assignments = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, assignment]) => assignment).join('\n')
  const given = variables(assignments.replaceAll('%S', folder).replaceAll('%d', folder))
  const file = variables(text('deploy/systemd/hookonce.env'))

  const server = await startServer({ env: { ...given, ...file, PORT: '0' } })

  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
  expect(readdirSync(join(folder, 'hookonce'))).toContain('hookonce.db')
  const waits = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1])
  expect(waits).toBeGreaterThanOrEqual(Number(file.HOOKONCE_DRAIN_SECONDS) + AFTER_DRAIN_SECONDS)
})

/** What the container of a Deployment gets, its Secret in a folder of this machine, its store in memory. */
function podEnvironment(name: string): Record<string, string> {
  const [container] = yaml(name).spec.template.spec.containers
  const [{ mountPath }] = container.volumeMounts
  const secrets = temporaryFolder()
  for (const [key, value] of Object.entries<string>(yaml('secret.example.yaml').stringData)) {
    writeFileSync(join(secrets, key), key === 'store-url' ? 'memory:' : value)
  }
  const image = Object.fromEntries(
    [...text('Dockerfile').matchAll(/^(?:ENV)?\s+([A-Z_]+)=(\S+)/gm)].map(([, variable, value]) => [variable, value]),
  )
  expect(image).toMatchObject({ HOST: '0.0.0.0', HOOKONCE_STORE_URL: 'sqlite:/data/hookonce.db' })
  const config = variables(text('deploy/kubernetes/hookonce.env').replaceAll(mountPath, secrets))
  const own = Object.fromEntries(container.env.map((each: { name: string; value: string }) => [each.name, each.value]))
  return { ...image, ...config, ...own, HOST: '127.0.0.1', PORT: '0' }
}

test('a server starts with what a receiver pod gives it, asks for signatures, and its stop is waited for', async () => {
  const server = await startServer({ env: podEnvironment('receiver.yaml'), args: ['serve'] })
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
  expect((await fetch(`${server.url}/webhook`, { method: 'POST', body: '{}' })).status).toBe(401)
})

test.each(['receiver.yaml', 'worker.yaml'])('a pod of %s may take as long to stop as it needs', name => {
  const { terminationGracePeriodSeconds, containers } = yaml(name).spec.template.spec
  const preStop = Number(containers[0].lifecycle?.preStop.exec.command[1] ?? 0)
  const drain = Number(variables(text('deploy/kubernetes/hookonce.env')).HOOKONCE_DRAIN_SECONDS)
  expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStop + drain + AFTER_DRAIN_SECONDS)
})

test('the kustomization takes every manifest but the example of a secret', () => {
  const names = readdirSync(join(ROOT, 'deploy/kubernetes')).filter(name => name.endsWith('.yaml'))
  const taken: string[] = yaml('kustomization.yaml').resources
  expect(taken.toSorted()).toEqual(
    names.filter(name => name !== 'kustomization.yaml' && name !== 'secret.example.yaml').sort(),
  )
})

test('what selects receivers or workers names labels that they have', () => {
  const labels = ['receiver.yaml', 'worker.yaml'].map(name => yaml(name).spec.template.metadata.labels)
  const selected = (selector: Record<string, string>) =>
    labels.filter(each => Object.entries(selector).every(([name, value]) => each[name] === value)).length
  const policies = parseAllDocuments(text('deploy/kubernetes/network-policy.yaml')).map(document => document.toJS())

  expect(selected(yaml('service.yaml').spec.selector)).toBe(1)
  expect(selected(yaml('receiver-disruption-budget.yaml').spec.selector.matchLabels)).toBe(1)
  expect(policies.map(policy => selected(policy.spec.podSelector.matchLabels))).toEqual([1, 1, 2])
  for (const name of ['receiver.yaml', 'worker.yaml']) expect(selected(yaml(name).spec.selector.matchLabels)).toBe(1)
  expect(yaml('receiver-autoscaler.yaml').spec.scaleTargetRef.name).toBe(yaml('receiver.yaml').metadata.name)
})

test('the ingress exposes deliveries and nothing else', () => {
  const [rule] = yaml('ingress.yaml').spec.rules
  const paths = rule.http.paths.map((each: { path: string; pathType: string }) => [each.pathType, each.path])
  expect(paths).toEqual([
    ['Prefix', '/hooks/'],
    ['Exact', '/webhook'],
  ])
})
