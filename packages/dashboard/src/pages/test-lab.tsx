import { useEffect, useRef, useState } from 'preact/hooks'
import { crashAndHeal, getExamples, sendDuplicates, sendTampered, sendTest } from '../api/client'
import type { CrashProgress, DuplicatesProgress, EventExample, Tampered, TestEvent } from '../api/lab-types'
import type { Session, TestedPair } from '../api/types'
import { Failure } from '../parts/failure'
import { Pair, Refusal } from '../parts/lab/answers'
import { Crash } from '../parts/lab/crash'
import { Duplicates } from '../parts/lab/duplicates'
import { useLoad } from '../parts/load'
import { SourceSelect } from '../parts/source-select'

type Shown =
  | { pair: TestedPair }
  | { tampered: Tampered }
  | { duplicates: DuplicatesProgress }
  | { crash: CrashProgress }

/** What is wrong with a delivery. */
const TAMPERINGS = [
  ['body', 'body changed after signing'],
  ['timestamp', 'timestamp too old'],
  ['secret', 'signed with another secret'],
  ['signature', 'no signature'],
]

interface TestLabProps {
  source: string | undefined
  access: Session['access']
}

/** Sends events as a sender would, and as it would not. */
export function TestLab({ source: given = 'default', access }: TestLabProps) {
  const [source, setSource] = useState(given)
  const [shown, setShown] = useState<{ source: string; what: Shown }>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const [tamper, setTamper] = useState('body')
  const form = useRef<HTMLFormElement>(null)
  const left = useRef<AbortController>(null)
  useEffect(() => () => left.current?.abort(), [])

  const run = async (send: (event: TestEvent, show: (what: Shown) => void, signal: AbortSignal) => Promise<void>) => {
    if (!form.current!.reportValidity()) return
    const controller = new AbortController()
    left.current = controller
    setBusy(true)
    setError(undefined)
    setShown(undefined)
    try {
      await send(eventIn(form.current!), what => setShown({ source, what }), controller.signal)
    } catch (error) {
      if (!controller.signal.aborted) setError(error)
    }
    setBusy(false)
  }
  const twice = () => run(async (event, show) => show({ pair: await sendTest(source, event) }))
  const tampered = () =>
    run(async (event, show) => show({ tampered: await sendTampered(source, { ...event, tamper }) }))
  const atOnce = () =>
    run((event, show, signal) => sendDuplicates(source, event, duplicates => show({ duplicates }), signal))
  const crash = () => run((event, show, signal) => crashAndHeal(source, event, crash => show({ crash }), signal))

  return (
    <>
      <h1>Test lab</h1>
      <p class="muted">
        Events are sent{' '}
        {access === 'token'
          ? 'signed as the source’s sender would sign them'
          : 'unsigned: nothing is signed where no token is asked for'}
        . The handler runs as for any delivery, and an application behind it is really called: use an event that does no
        harm.
      </p>
      <form
        ref={form}
        class="test-form panel"
        onSubmit={event => {
          event.preventDefault()
          void twice()
        }}
      >
        <SourceSelect value={given} onChange={setSource} />
        <EventFields key={source} source={source} />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Sending…' : 'Send twice'}
        </button>
      </form>
      <div class="experiments">
        <section class="panel">
          <h2>Tamper</h2>
          <p class="muted">The source has to refuse it, and says why.</p>
          <div class="field">
            <label for="tamper" class="muted">
              What is wrong
            </label>
            <select id="tamper" value={tamper} onChange={event => setTamper(event.currentTarget.value)}>
              {TAMPERINGS.map(([name, text]) => (
                <option key={name} value={name}>
                  {text}
                </option>
              ))}
            </select>
          </div>
          <button type="button" disabled={busy} onClick={tampered}>
            Send tampered
          </button>
        </section>
        <section class="panel">
          <h2>A hundred at once</h2>
          <p class="muted">One event, delivered 100 times at the same moment: it has to run once.</p>
          <button type="button" disabled={busy} onClick={atOnce}>
            Send 100 at once
          </button>
        </section>
        <section class="panel">
          <h2>Crash</h2>
          <p class="muted">
            The key is claimed as by a process that dies, which is simulated. Then the event is delivered until it is
            processed. In an inbox a worker takes it over.
          </p>
          <button type="button" disabled={busy} onClick={crash}>
            Crash and heal
          </button>
        </section>
      </div>
      {error !== undefined && <Failure error={error} />}
      {shown !== undefined && <Outcome {...shown} />}
    </>
  )
}

function Outcome({ source, what }: { source: string; what: Shown }) {
  if ('pair' in what) return <Pair source={source} pair={what.pair} />
  if ('tampered' in what) return <Refusal source={source} tampered={what.tampered} />
  if ('duplicates' in what) return <Duplicates source={source} progress={what.duplicates} />
  return <Crash source={source} progress={what.crash} />
}

/** Which of a sender's events, and what of it is changed. */
function EventFields({ source }: { source: string }) {
  const { data: examples = [], error, reload } = useLoad(() => getExamples(source), [source])
  const [event, setEvent] = useState<string>()
  const example = examples.find(each => each.event === event) ?? examples[0]
  return (
    <>
      <label class="field">
        <span>Event</span>
        <select name="event" onChange={({ currentTarget }) => setEvent(currentTarget.value)}>
          {examples.map(({ event }) => (
            <option key={event}>{event}</option>
          ))}
        </select>
      </label>
      <label class="field wide">
        <span>Key</span>
        <input
          name="key"
          placeholder="a new one"
          maxLength={255}
          pattern="[!-~]+"
          title="visible ASCII"
          spellcheck={false}
        />
      </label>
      <label class="field whole">
        <span>Body</span>
        <textarea
          key={example?.event}
          name="body"
          aria-describedby="as-it-is"
          rows={10}
          defaultValue={example && readable(example)}
          disabled={example === undefined}
          spellcheck={false}
        />
      </label>
      <p id="as-it-is" class="muted field whole">
        Unless you change the body, a new event is sent each time.
      </p>
      {error !== undefined && <Failure error={error} retry={reload} />}
    </>
  )
}

/** What is as it was is left to the server, which makes another event of it each time. */
function eventIn(form: HTMLFormElement): TestEvent {
  const given = new FormData(form)
  const [event, key] = ['event', 'key'].map(name => String(given.get(name) ?? '')) as [string, string]
  const { value, defaultValue } = form.elements.namedItem('body') as HTMLTextAreaElement
  return { ...(event && { event }), ...(key && { key }), ...(value !== defaultValue && { body: value }) }
}

function readable({ content_type, body }: EventExample): string {
  return content_type === 'application/json' ? JSON.stringify(JSON.parse(body), null, 2) : body
}
