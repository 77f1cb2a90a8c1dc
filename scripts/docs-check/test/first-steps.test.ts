import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { start } from '../../../examples/test/support/process.js'
import { commandsOf, pages, ROOT } from '../pages.js'

const CLI = join(ROOT, 'packages/server/dist/cli.js')

test.each(pages('README.md', 'docs/guide/first-delivery.md'))(
  'the first steps of $path do what they say',
  async page => {
    const { url } = await start(process.execPath, [CLI], { env: { PORT: '0' } })
    const curls = page.blocks
      .filter(({ lang, text }) => lang === 'bash' && text.startsWith('curl'))
      .flatMap(commandsOf)
      .map(command => command.replace('http://localhost:8000', url))
    const [post, get, clear] = curls
    expect(curls).toHaveLength(3)
    const sh = (command: string) => execFileSync('bash', ['-c', `${command} --silent --fail-with-body`]).toString()

    expect(sh(post!)).toMatch(/^HTTP\/1.1 200 OK(?![\s\S]*x-cached: true)/i)
    expect(sh(post!)).toMatch(/^HTTP\/1.1 200 OK[\s\S]*x-cached: true/i)
    expect(JSON.parse(sh(get!))).toMatchObject({ key: 'test-key-123' })
    sh(clear!)
    expect(() => sh(get!)).toThrow()
    expect(sh(post!)).not.toMatch(/x-cached: true/i)
  },
)
