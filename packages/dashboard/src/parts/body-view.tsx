import { useMemo, useState } from 'preact/hooks'
import type { Body } from '../api/types'
import { bytes as formatBytes } from '../format'
import { hexText } from './hex-text'
import { indentJson } from './json-text'
import { notify } from './notice'

const VIEWS = ['JSON', 'Text', 'Hex'] as const
type View = (typeof VIEWS)[number]

/** A page with a million bytes of somebody's text is slow; who wants all of it says so. */
const SHOWN_BYTES = 65_536

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
  const cut = !all && bytes.length > SHOWN_BYTES
  const json = useMemo(() => (cut || text === undefined ? undefined : indentJson(text)), [text, cut])
  const possible = VIEWS.filter(view => view === 'Hex' || (view === 'Text' ? text : json) !== undefined)
  const view = wanted !== undefined && possible.includes(wanted) ? wanted : possible[0]!

  const copy = () => navigator.clipboard.writeText(text ?? hexText(bytes)).then(() => notify('Copied.'))

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
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keys too */}
      <section class="scroll" tabIndex={0} aria-label={title}>
        <pre>
          {view === 'JSON' &&
            json!.map(({ kind, text }) => (kind === 'plain' ? text : <span class={`json-${kind}`}>{text}</span>))}
          {view === 'Text' && (cut ? text!.slice(0, SHOWN_BYTES) : text)}
          {view === 'Hex' && hexText(cut ? bytes.subarray(0, SHOWN_BYTES) : bytes)}
        </pre>
      </section>
      {cut && (
        <p>
          <button type="button" onClick={() => setAll(true)}>
            Show all {formatBytes(bytes.length)}
          </button>
        </p>
      )}
    </div>
  )
}

function bytesOf({ body, body_encoding }: Body): Uint8Array | undefined {
  if (body === null) return undefined
  return body_encoding === 'utf8'
    ? new TextEncoder().encode(body)
    : Uint8Array.from(atob(body), character => character.charCodeAt(0))
}
