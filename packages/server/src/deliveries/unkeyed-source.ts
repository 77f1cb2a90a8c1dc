import { type Answer, Delivery, type Handler, type Receiver, type Source, type SourceOptions } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import { KEYLESS } from '../config/source-names.js'

export type Receive = (delivery: Delivery, handler: Handler) => Promise<Answer>

/** A source that ignores keys: every delivery runs. Signatures are verified as on the keyed route. */
export function keylessSource(receiver: Receiver, options: SourceOptions): [Source, Receive] {
  const { sender, retentionMs, ...rules } = options
  const keyless = { ...rules, name: KEYLESS, keyRequired: false }
  if (sender !== undefined) {
    const source = receiver.source({ ...keyless, sender: withoutKeys(sender) })
    return [source, (delivery, handler) => source.receive(delivery, handler)]
  }
  const source = receiver.source(keyless)
  return [source, withoutHeaders(source)]
}

function withoutKeys(sender: Sender): Sender {
  const { facts, success, provenByHeaders, unsignedHandshake } = sender
  return {
    facts,
    verify: (delivery, now) => sender.verify(delivery, now),
    key: () => null,
    handshake: delivery => sender.handshake?.(delivery) ?? null,
    ...(unsignedHandshake !== undefined && { unsignedHandshake }),
    ...(success !== undefined && { success }),
    ...(provenByHeaders && { provenByHeaders }),
    sign: event => sender.sign(event),
  }
}

/** The source sees no headers, and so no key; the handler sees the delivery as it arrived. */
function withoutHeaders(source: Source): Receive {
  return (delivery, handler) => {
    const { method, url, body, requestId } = delivery
    const bare = new Delivery({ method, url, headers: [], body, requestId })
    return source.receive(bare, (_, attempt) => handler(delivery, attempt))
  }
}
