import { escapeHtml, PAGE_STYLE } from '../html-page.js'

interface Schema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  examples?: unknown[]
  default?: unknown
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
  $ref?: string
}

interface Parameter {
  name: string
  in: 'query' | 'path' | 'header' | 'cookie'
  required?: boolean
  description?: string
  example?: unknown
  schema?: Schema
}

interface Operation {
  summary?: string
  description?: string
  tags?: string[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema?: Schema; example?: unknown }> }
  responses?: Record<string, { description?: string; headers?: object }>
  security?: unknown[]
}

/** The part of an OpenAPI document that the page shows. */
export interface OpenApi {
  info: { title: string; version: string; description?: string }
  tags?: { name: string; description?: string }[]
  paths: Record<string, Record<string, Operation>>
}

/** The document as a page: every route with a `curl` command that works as it is. */
export function documentationPage({ info, tags = [], paths }: OpenApi, origin: string): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const sections = tags.map(({ name, description = '' }) => {
    const own = operations.filter(({ operation }) => operation.tags?.includes(name))
    const routes = own.map(({ path, method, operation }) => route(path, method, operation, origin)).join('')
    return `<h2>${escapeHtml(name)}</h2>\n<p>${escapeHtml(description)}.</p>\n${routes}`
  })
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(info.title)} API</title>
<style>${PAGE_STYLE}</style>
<h1>${escapeHtml(info.title)} ${escapeHtml(info.version)}</h1>
<p>${escapeHtml(info.description ?? '')}</p>
<p>The same as <a href="openapi.json">OpenAPI 3.1</a>. In the examples <code>$TOKEN</code> is the token of
<code>HOOKONCE_ADMIN_TOKEN</code>, or of the file <code>operator-token</code>; without a token the header is ignored.</p>
${sections.join('\n')}
</html>
`
}

function route(path: string, method: string, operation: Operation, origin: string): string {
  const { summary = '', description, parameters = [], responses = {} } = operation
  const about = description === undefined ? '' : `<p>${text(description)}</p>\n`
  return `<details>
<summary><code>${method} ${escapeHtml(path)}</code> ${escapeHtml(summary)}</summary>
${about}<pre>${escapeHtml(curl(path, method, operation, origin))}</pre>
${table(
  ['parameter', 'in', 'what'],
  parameters.map(({ name, in: where, description = '', schema = {} }) => [
    name,
    where,
    parameterText(description, schema),
  ]),
)}
${table(
  ['status', 'answer'],
  Object.entries(responses).map(([status, { description = '' }]) => [status, description]),
)}
</details>
`
}

function parameterText(description: string, schema: Schema): string {
  const said = [description || (schema.description ?? '')]
  if (schema.enum !== undefined) said.push(`one of ${schema.enum.join(', ')}`)
  if (schema.default !== undefined) said.push(`default ${schema.default}`)
  return said.filter(text => text !== '').join('; ')
}

function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return ''
  const cells = (row: string[], tag: string) => row.map(cell => `<${tag}>${text(cell)}</${tag}>`).join('')
  const lines = rows.map(row => `<tr>${cells(row, 'td')}</tr>`).join('\n')
  return `<table>\n<tr>${cells(head, 'th')}</tr>\n${lines}\n</table>`
}

/** Descriptions use no Markdown but backticks. */
const text = (markdown: string): string => escapeHtml(markdown).replace(/`([^`]+)`/g, '<code>$1</code>')

/** The example of a route as a shell command. */
export function curl(path: string, method: string, operation: Operation, origin: string): string {
  const { parameters = [], requestBody, security } = operation
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    const example = parameters.find(parameter => parameter.in === 'path' && parameter.name === name)?.example
    return encodeURIComponent(String(example ?? name))
  })
  const query = parameters.filter(({ in: where, example }) => where === 'query' && example !== undefined)
  const search = new URLSearchParams(query.map(({ name, example }): [string, string] => [name, String(example)]))
  const parts = [`curl -X ${method} '${origin}${filled}${search.size > 0 ? `?${search}` : ''}'`]
  if (security !== undefined) parts.push('-H "Authorization: Bearer $TOKEN"')
  for (const { name, in: where, example } of parameters) {
    if (where === 'header' && example !== undefined) parts.push(`-H '${name}: ${example}'`)
  }
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? []
  if (type !== undefined) {
    parts.push(
      `-H 'content-type: ${type}'`,
      `-d '${JSON.stringify(content?.example ?? exampleOf(content?.schema ?? {}))}'`,
    )
  }
  return parts.join(' \\\n  ')
}

function exampleOf(schema: Schema): unknown {
  if (schema.examples !== undefined) return schema.examples[0]
  const known = Object.entries(schema.properties ?? {}).filter(([, { examples }]) => examples !== undefined)
  return Object.fromEntries(known.map(([name, property]) => [name, exampleOf(property)]))
}
