import 'reflect-metadata'
import * as common from '@nestjs/common'
import * as core from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import * as hookonce from 'hookonce/adapters/nest'
import { describe, expect, test } from 'vitest'
import { deliver, isReplay, listen, receiverOver } from './harness.js'
import { nestCases } from './nest.cases.js'
import { controllerOf, listenerOf, type Version } from './nest-application.js'

const version: Version = { common, core, hookonce }
const platforms = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() }

describe('Nest 12', () => {
  nestCases(version, platforms)
})

test.each(Object.entries(platforms))('an application of a testing module has webhooks: %s', async (_, platform) => {
  const { receiver } = receiverOver()
  const nest = { ...version, name: '', platform, everyPath: '' }
  const controller = controllerOf(nest, ({ rawBody }) => rawBody.toString(), [common.Post('webhook')], {
    source: undefined,
  })
  const imports = [hookonce.HookonceModule.forRoot({ receiver })]
  const module = await Test.createTestingModule({ imports, controllers: [controller] }).compile()
  const app = module.createNestApplication(platform(), { logger: false })
  const { port } = await listen(listenerOf(app.init()))
  for (const replayed of [false, true]) {
    const answer = await deliver(port, { key: 'k', body: '{ "a": 1 }' })
    expect([answer.body.toString(), isReplay(answer)]).toEqual(['{ "a": 1 }', replayed])
  }
})
