import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe } from 'vitest'
import { nestCases } from './nest.cases.js'

// The library as it is installed beside Nest 11: it imports the Nest that stands nearest.
const modules = new URL('../../../../scripts/test-nest-11/node_modules', import.meta.url).pathname
const library = new URL('../..', import.meta.url).pathname
const installed = mkdtempSync(join(modules, '.hookonce-'))
for (const part of ['dist', 'package.json']) cpSync(join(library, part), join(installed, part), { recursive: true })
afterAll(() => rmSync(installed, { recursive: true }))

const require = createRequire(join(installed, 'package.json'))
require('reflect-metadata')
const { ExpressAdapter } = require('@nestjs/platform-express')
const { FastifyAdapter } = require('@nestjs/platform-fastify')

const version = {
  common: require('@nestjs/common'),
  core: require('@nestjs/core'),
  hookonce: await import(pathToFileURL(join(installed, 'dist/adapters/nest.js')).href),
}

describe('Nest 11', () => {
  nestCases(version, { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() })
})
