import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { visit } from 'unist-util-visit'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Block {
  page: string
  line: number
  lang: string
  /** What follows the language: how a sample is run. */
  meta: string
  text: string
}

export interface Page {
  path: string
  blocks: Block[]
  /** Code within a line of text. */
  spans: { line: number; text: string }[]
}

/** Markdown files of the repository. */
export function pages(...under: string[]): Page[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...under], {
    cwd: ROOT,
  })
  const paths = listed.toString().trim().split('\n')
  return paths.filter(path => path.endsWith('.md') && existsSync(join(ROOT, path))).map(read)
}

function read(path: string): Page {
  const page: Page = { path, blocks: [], spans: [] }
  visit(fromMarkdown(readFileSync(join(ROOT, path), 'utf8')), node => {
    const line = node.position?.start.line ?? 0
    if (node.type === 'inlineCode') page.spans.push({ line, text: node.value })
    if (node.type !== 'code') return
    page.blocks.push({ page: path, line, lang: node.lang ?? '', meta: node.meta ?? '', text: node.value })
  })
  return page
}

/** The commands of a shell block, those that go on in the next line in one piece, without comments. */
export function commandsOf({ text }: Block): string[] {
  return text
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .flatMap(line => line.replace(/(^|\s)#.*$/, '').split(/&&|;|\|/))
    .map(command => command.trim())
    .filter(command => command !== '')
}
