import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandsOf, pages, ROOT } from '../pages.js'

const help = (...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'packages/server/dist/cli.js'), ...args, '--help']).stdout.toString()
const main = help()
/** Commands with options of their own. */
const own: Record<string, string> = {
  send: help('send'),
  verify: help('verify'),
  init: help('init'),
  tail: help('tail'),
  listen: help('listen'),
  events: help('events'),
}

/** Of the repository, and of a folder that is a package of its own. */
const scriptsOf = (folder: string): string[] =>
  ['.', folder]
    .map(each => join(ROOT, each, 'package.json'))
    .filter(existsSync)
    .flatMap(path => Object.keys(JSON.parse(readFileSync(path, 'utf8')).scripts ?? {}))

/** What is wrong with a command, if it is one of this repository. `folder`: where it is typed. */
function fault(command: string, folder: string): string | undefined {
  const [, run, rest] = /^(?:\w+=\S* )*npm run (\S+)(.*)/.exec(command) ?? []
  if (run !== undefined) {
    const workspace = /--workspace=(\S+)/.exec(rest!)?.[1] ?? folder
    return scriptsOf(workspace).includes(run) ? undefined : `there is no npm run ${run} in ${workspace}`
  }
  const [, words] = /^(?:\w+=\S* )*(?:npx )?hookonce(?: (.+)|$)/.exec(command) ?? []
  if (words === undefined) return undefined
  const name = /^records \w+|^\w+/.exec(words)?.[0] ?? 'serve'
  if (!new RegExp(`hookonce \\[?${name}\\b`).test(main)) return `there is no hookonce ${name}`
  const text = own[name] ?? main
  const unknown = words.match(/(?<=\s|^)--[a-z-]+/g)?.find(flag => !text.includes(flag))
  return unknown && `hookonce ${name} has no ${unknown}`
}

/** Whether a command is this one in another form than `npx hookonce`, which works wherever it is installed. */
function isOtherForm(command: string, folder: string): boolean {
  const [, words = ''] = /^(?:\w+=\S* )*(.*)/.exec(command) ?? []
  const isOwnScript = folder !== '.' && existsSync(join(ROOT, folder, 'package.json'))
  return /^hookonce\b/.test(words) || (/^npm start\b/.test(words) && !isOwnScript)
}

const PATH = /^(?:\.\/)?(?:packages|scripts|deploy|examples|bench|docs)\/[\w./-]+$/

/** Paths of this repository that are not there. */
const missing = (words: string[]) => words.filter(word => PATH.test(word) && !existsSync(join(ROOT, word)))

const SHELL = ['bash', 'sh', 'ini', 'yaml']

const checked = pages('README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs', 'examples')

describe.each(checked)('$path', ({ path, blocks, spans }) => {
  const shell = blocks.filter(({ lang }) => SHELL.includes(lang))

  test('names commands that there are', () => {
    const commands = [...shell.flatMap(commandsOf), ...spans.map(({ text }) => text)]
    const faults = commands.map(command => fault(command, dirname(path)))
    expect(faults.filter(fault => fault !== undefined)).toEqual([])
  })

  test('calls the command npx hookonce', () => {
    const commands = blocks.filter(({ lang }) => lang === 'bash').flatMap(commandsOf)
    expect(commands.filter(command => isOtherForm(command, dirname(path)))).toEqual([])
  })

  test('names files that there are', () => {
    const words = [...shell.map(({ text }) => text), ...spans.map(({ text }) => text)].flatMap(text =>
      text.split(/\s+/),
    )
    expect(missing(words)).toEqual([])
  })

  test('sets variables that there are', () => {
    const set = shell.flatMap(({ text }) => text.match(/\bHOOKONCE_[A-Z_]+(?==)/g) ?? [])
    const unknown = set.filter(name => !main.includes(name) && !/^HOOKONCE_(TEST_\w+|PREVIOUS)$/.test(name))
    expect(unknown).toEqual([])
  })
})
