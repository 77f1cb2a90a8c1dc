/** What a proxy or a framework may have made of a body, and the body as it may have been before. */
export interface BodyVariant {
  /** Completes "It is right for the body …". */
  change: string
  body: Uint8Array
}

const BYTE_ORDER_MARK = '\ufeff'

/** The likely originals of a body that was changed on the way. */
export function* bodyVariants(body: Uint8Array): Generator<BodyVariant> {
  const text = Buffer.from(body).toString()
  for (const [change, original] of [...textVariants(text), ...jsonVariants(text)]) {
    const bytes = Buffer.from(original)
    if (!bytes.equals(body)) yield { change, body: bytes }
  }
  // UTF-8 that was taken for Latin-1 and encoded once more.
  const decoded = Buffer.from(text, 'latin1')
  if (!decoded.equals(body)) yield { change: 'before its UTF-8 was encoded a second time', body: decoded }
}

function* textVariants(text: string): Generator<[change: string, original: string]> {
  yield ['without the line feed at its end', text.replace(/\r?\n$/, '')]
  yield ['with a line feed at its end', `${text}\n`]
  yield ['with line feeds in place of CR LF', text.replaceAll('\r\n', '\n')]
  yield ['with CR LF in place of line feeds', text.replace(/\r?\n/g, '\r\n')]
  yield ['without a byte order mark', text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text]
  yield ['without blanks around it', text.trim()]
  yield ['with %20 in place of +', text.replaceAll('+', '%20')]
  yield ['with + in place of %20', text.replaceAll('%20', '+')]
}

/** How common serialisers write JSON. */
function* jsonVariants(text: string): Generator<[change: string, original: string]> {
  if (isDeep(text)) return
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return
  }
  const forms: [string, string][] = [
    ['as compact JSON', JSON.stringify(value)],
    ['as JSON with a blank after each colon and comma', spaced(value)],
    ...[2, 4, '\t'].map((indent): [string, string] => [
      `as JSON with ${indent === '\t' ? 'tabs' : `${indent} blanks`} of indentation`,
      JSON.stringify(value, null, indent),
    ]),
  ]
  for (const [change, form] of forms) {
    yield [change, form]
    yield [`${change}, in ASCII`, inAscii(form)]
    yield [`${change}, with escaped slashes`, form.replaceAll('/', '\\/')]
    yield [`${change}, with escaped slashes, in ASCII`, inAscii(form.replaceAll('/', '\\/'))]
  }
}

/** Indented JSON grows with the square of its depth. */
const MOST_DEPTH = 50

function isDeep(text: string): boolean {
  let depth = 0
  for (const [bracket] of text.matchAll(/[[{\]}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1
    if (depth > MOST_DEPTH) return true
  }
  return false
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, field]) => `${JSON.stringify(name)}: ${spaced(field)}`)
    .join(', ')}}`
}

const inAscii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
