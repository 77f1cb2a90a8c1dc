import { useState } from 'preact/hooks'
import { sendTest } from '../api/client'
import type { Session, TestedAnswer, TestedPair } from '../api/types'
import { duration } from '../format'
import { StatusBadge } from '../parts/badges'
import { BodyView } from '../parts/body-view'
import { Failure } from '../parts/failure'
import { HeaderList } from '../parts/header-list'
import { SourceSelect } from '../parts/source-select'
import { link } from '../router'

/** Sends one delivery twice, and shows both answers beside each other. */
export function TestDelivery({ source: given, access }: { source: string | undefined; access: Session['access'] }) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [sent, setSent] = useState<{ source: string; pair: TestedPair }>()

  const submit = async (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const [source, key, body] = ['source', 'key', 'body'].map(name => String(form.get(name))) as [
      string,
      string,
      string,
    ]
    setBusy(true)
    setError(undefined)
    try {
      setSent({ source, pair: await sendTest(source, { ...(key && { key }), ...(body && { body }) }) })
    } catch (error) {
      setSent(undefined)
      setError(error)
    }
    setBusy(false)
  }

  return (
    <>
      <h1>Send a test delivery</h1>
      <p class="muted">
        It is sent twice,{' '}
        {access === 'token'
          ? 'signed as the source’s sender would sign it'
          : 'unsigned: nothing is signed where no token is asked for'}
        . The handler runs as for any delivery, so an application behind it is called: use an event that does no harm.
      </p>
      <form class="test-form panel" onSubmit={submit}>
        <SourceSelect value={given ?? 'default'} />
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
          <textarea name="body" rows={6} placeholder="an event as the sender sends them" spellcheck={false} />
        </label>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Sending…' : 'Send twice'}
        </button>
      </form>
      {error !== undefined && <Failure error={error} />}
      {sent !== undefined && <Answers {...sent} />}
    </>
  )
}

function Answers({ source, pair: { key, first, duplicate } }: { source: string; pair: TestedPair }) {
  return (
    <>
      <p role="status">
        Sent twice with the key <a href={link(['records', source, key])}>{key}</a>
      </p>
      <div class="halves">
        <AnswerPanel title="First" answer={first} />
        <AnswerPanel title="Duplicate" answer={duplicate} besides={first} />
      </div>
    </>
  )
}

function AnswerPanel({ title, answer, besides }: { title: string; answer: TestedAnswer; besides?: TestedAnswer }) {
  return (
    <section class="panel">
      <h2>
        {title} <StatusBadge status={answer.status} /> <span class="muted">{duration(answer.ms)}</span>
      </h2>
      <HeaderList headers={answer.headers} {...(besides !== undefined && { besides: besides.headers })} />
      <BodyView body={answer} title={`body of the ${title.toLowerCase()} answer`} omitted={answer.body_omitted} />
      {besides !== undefined && answer.body === besides.body && <p class="muted">The same body as the first.</p>}
    </section>
  )
}
