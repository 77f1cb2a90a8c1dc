#!/usr/bin/env node
// The command `hookonce`. In a checkout it builds what is missing or stale first, so that it works right after `npm ci`.
import { existsSync } from 'node:fs'

const buildStale = new URL('../../../scripts/build-stale.mjs', import.meta.url)
if (existsSync(buildStale)) (await import(buildStale)).buildStale()
await import('../dist/cli.js')
