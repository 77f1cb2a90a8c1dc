import { useMemo, useState } from 'preact/hooks'
import type { Body } from '../api/types'
import { bytes as formatBytes } from '../format'
import { type Piece, plainText } from './body-parts'
import { BodyText } from './body-text'
import { hexLines } from './hex-text'
import { indentJson, isJson } from './json-text'
import { notify } from './notice'

const VIEWS = ['JSON', 'Text', 'Hex'] as const
type View = (typeof VIEWS)[number]

/** To find out that a longer text is JSON would hold up the page. */
const MOST_JSON = 4_194_304

/** A body of somebody else's making: shown as text, whatever it is. */
export function BodyView({ body, title, omitted = false }: { body: Body; title: string; omitted?: boolean }) {
  const bytes = useMemo(() => bytesOf(body), [body.body, body.body_encoding])
  if (bytes === undefined || omitted) {
    return <p class="muted">The body {omitted ? 'was too large to be recorded' : 'is not recorded, or not shown'}.</p>
  }
  if (bytes.length === 0) return <p class="muted">The body is empty.</p>
  return <Shown bytes={bytes} text={body.body_encoding === 'utf8' ? body.body! : undefined} title={title} />
}

function Shown({ bytes, text, title }: { bytes: Uint8Array; text: string | undefined; title: string }) {
  const [all, setAll] = useState(false)
  const [wanted, setWanted] = useState<View>()
  const views = useMemo(() => viewsOf(bytes, text), [bytes, text])
  const possible = VIEWS.filter(view => views[view] !== undefined)
  const view = wanted !== undefined && possible.includes(wanted) ? wanted : possible[0]!

  const copy = () => navigator.clipboard.writeText(text ?? [...hexLines(bytes)].join('')).then(() => notify('Copied.'))

  return (
    <div class="body">
      <div class="body-bar">
        <fieldset class="segments">
          <legend class="hidden">How the {title} is shown</legend>
          {possible.map(each => (
            <label key={each}>
              <input type="radio" name={title} checked={each === view} onChange={() => setWanted(each)} />
              <span>{each}</span>
            </label>
          ))}
        </fieldset>
        <span class="muted">{formatBytes(bytes.length)}</span>
        {navigator.clipboard !== undefined && (
          <button type="button" class="small" onClick={copy}>
            Copy
          </button>
        )}
      </div>
      <BodyText
        key={view}
        title={title}
        pieces={views[view]!}
        all={all}
        more={
          <p>
            <button type="button" onClick={() => setAll(true)}>
              Show all {formatBytes(bytes.length)}
            </button>
          </p>
        }
      />
    </div>
  )
}

/** What each view shows, made when it is looked at. */
function viewsOf(bytes: Uint8Array, text: string | undefined): Partial<Record<View, () => Iterable<Piece>>> {
  const Hex = function* (): Generator<Piece> {
    for (const line of hexLines(bytes)) yield { kind: 'plain', text: line }
  }
  if (text === undefined) return { Hex }
  const Text = () => plainText(text)
  return text.length <= MOST_JSON && isJson(text) ? { JSON: () => indentJson(text), Text, Hex } : { Text, Hex }
}

function bytesOf({ body, body_encoding }: Body): Uint8Array | undefined {
  if (body === null) return undefined
  return body_encoding === 'utf8'
    ? new TextEncoder().encode(body)
    : Uint8Array.from(atob(body), character => character.charCodeAt(0))
}
