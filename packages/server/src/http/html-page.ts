import { createHash } from 'node:crypto'
import type { Answer } from 'hookonce'
import { textAnswer } from './respond.js'

/** The style of the server's own pages. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 0.9em ui-monospace, monospace }
pre { overflow: auto; padding: 0.75rem; border: 1px solid #8884; border-radius: 4px }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #8884 }
details { margin: 0.5rem 0 }
summary { cursor: pointer }
`

const STYLE_HASH = createHash('sha256').update(PAGE_STYLE).digest('base64')

export interface PageOptions {
  status?: number
  /** Content-Security-Policy sources; nothing by default. */
  script?: string
  connect?: string
}

/** A page in {@link PAGE_STYLE}. It loads nothing from other sites, and none may frame it. */
export function pageAnswer(html: string, { status = 200, script, connect }: PageOptions = {}): Answer {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    ...(script === undefined ? [] : [`script-src ${script}`]),
    ...(connect === undefined ? [] : [`connect-src ${connect}`]),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  const page = textAnswer('text/html; charset=utf-8', html, status)
  return { ...page, headers: [...page.headers, ['content-security-policy', policy.join('; ')]] }
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
