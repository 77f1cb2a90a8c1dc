import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../../packages/server/test/support/server.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../test-tools/index.js'
import { run } from '../test-tools/run.js'
import { deployPath, deployText } from './files.js'

/** The oldest that has all that the manifests use and whose schemas the validator brings, and the newest. */
const VERSIONS = ['1.27', '1.37']

const manifests = readdirSync(deployPath('kubernetes'))
  .filter(name => name.endsWith('.yaml') && name !== 'kustomization.yaml')
  .map(name => deployPath(`kubernetes/${name}`))

let validator: string

beforeAll(async () => {
  validator = await requireTool('kubernetesValidate')
}, TOOL_TIMEOUT_MS)

const validate = (version: string, files: string[]) =>
  run(validator, ['--strict', '--kubernetes-version', version, ...files])

test.each(VERSIONS)('the manifests are what Kubernetes %s takes', async version => {
  const { code, output } = await validate(version, manifests)
  expect(code, output).toBe(0)
  expect(output.match(/ passed for resource /g)?.length, output).toBeGreaterThan(manifests.length)
})

test('a field that there is not would be refused', async () => {
  const file = join(temporaryFolder(), 'receiver.yaml')
  writeFileSync(file, deployText('kubernetes/receiver.yaml', [['enableServiceLinks', 'enableServicelinks']]))
  expect(await validate('1.37', [file])).toMatchObject({
    code: 1,
    output: expect.stringContaining("'enableServicelinks' was unexpected"),
  })
})
