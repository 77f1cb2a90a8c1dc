import type { Tampered } from '../../api/lab-types'
import type { TestedAnswer, TestedPair } from '../../api/types'
import { duration } from '../../format'
import { link } from '../../router'
import { StatusBadge } from '../badges'
import { BodyView } from '../body-view'
import { Findings } from '../findings'
import { HeaderList } from '../header-list'

/** What a delivery and its duplicate were answered. */
export function Pair({ source, pair: { key, first, duplicate } }: { source: string; pair: TestedPair }) {
  return (
    <>
      <p role="status">
        Sent twice with the key{' '}
        <a class="key" href={link(['records', source, key])}>
          {key}
        </a>
      </p>
      <div class="halves">
        <AnswerPanel title="First" answer={first} />
        <AnswerPanel title="Duplicate" answer={duplicate} besides={first} />
      </div>
    </>
  )
}

/** How a forged delivery was refused, and why. */
export function Refusal({ source, tampered: { answer, findings, refused } }: { source: string; tampered: Tampered }) {
  return (
    <>
      <p role="status">
        It was answered {answer.status}, and nothing ran.{' '}
        {refused !== null && <a href={link(['refused', source, refused])}>The refused delivery</a>}
      </p>
      <section class="panel">
        <h2>The diagnosis</h2>
        <Findings findings={findings} />
      </section>
      <AnswerPanel title="Answer" answer={answer} />
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
