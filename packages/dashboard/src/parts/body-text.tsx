import type { VNode } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { type Piece, partsOf } from './body-parts'

/** How long the page may be busy with a body before it looks after its reader again. */
const TURN_MS = 25

interface Props {
  title: string
  /** The same function for the same body. */
  pieces: () => Iterable<Piece>
  /** Whether all of it is wanted. */
  all: boolean
  /** What is below as long as there is more. */
  more: VNode
}

/** The first part of a body at once; the others, once all of it is wanted, turn by turn. */
export function BodyText({ title, pieces, all, more }: Props) {
  const reading = useMemo(() => startReading(pieces()), [pieces])
  const [, setTurns] = useState(0)
  useEffect(() => {
    if (!all || reading.isDone()) return
    let frame = requestAnimationFrame(function turn() {
      reading.readFor(TURN_MS)
      setTurns(turns => turns + 1)
      if (!reading.isDone()) frame = requestAnimationFrame(turn)
    })
    return () => cancelAnimationFrame(frame)
  }, [reading, all])

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keys too */}
      <section class="scroll" tabIndex={0} aria-label={title} aria-busy={all && !reading.isDone()}>
        <pre>{[...reading.read]}</pre>
      </section>
      {!all && !reading.isDone() && more}
    </>
  )
}

function startReading(pieces: Iterable<Piece>) {
  const parts = partsOf(pieces)
  const first = parts.next()
  let next = parts.next()
  // The same nodes at every turn: what stands is not looked at again.
  const read: VNode[] = first.done ? [] : [<span class="part">{first.value.map(coloured)}</span>]
  return {
    read,
    isDone: () => next.done === true,
    readFor(ms: number) {
      const until = performance.now() + ms
      while (!next.done && performance.now() < until) {
        read.push(<span class="part">{next.value.map(coloured)}</span>)
        next = parts.next()
      }
    },
  }
}

const coloured = ({ kind, text }: Piece) => (kind === 'plain' ? text : <span class={`json-${kind}`}>{text}</span>)
