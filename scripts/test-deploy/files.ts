import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The path of a file of `deploy`. */
export function deployPath(name: string): string {
  return fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url))
}

/** A file of `deploy` with parts replaced; each must be there. */
export function deployText(name: string, replaced: [from: string, to: string][] = []): string {
  let text = readFileSync(deployPath(name), 'utf8')
  for (const [from, to] of replaced) {
    if (!text.includes(from)) throw new Error(`deploy/${name} has no ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}
