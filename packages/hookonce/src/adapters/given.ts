import { ConfigurationError } from '../errors.js'
import type { Delivery } from '../http/delivery.js'
import type { Answer } from '../http/response.js'
import { internalsOf } from '../receiver/internals.js'
import type { Receiver } from '../receiver/receiver.js'
import type { Source, SourceOptions } from '../receiver/source.js'
import { anObject, methods, shown } from '../util/options.js'

/** A source with or without transactions. */
export interface AnySource extends Omit<Source, 'receive'> {
  receive(delivery: Delivery, handler: never): Promise<Answer>
}

/** A receiver with or without transactions. */
export interface AnyReceiver extends Omit<Receiver, 'source'> {
  source(options: SourceOptions): AnySource
}

const aSource = methods('a source', ['receive', 'tooLarge', 'failed'])
const anInbox = methods('an inbox', ['source', 'redrive'])

export const isReceiver = <Kind>(given: Source<Kind> | Receiver<Kind>): given is Receiver<Kind> =>
  internalsOf(given) !== undefined

/**
 * Checks that an adapter was given a source.
 *
 * @param write the call as the user writes it, around a source, for the error's message
 * @throws {ConfigurationError} `given` is not a source
 */
export function checkSource(write: (source: string) => string, given: unknown): void {
  if (aSource.allows(given)) return
  if (anObject.allows(given) && internalsOf(given) !== undefined) {
    const example = write("receiver.source({ name: 'orders' })")
    throw new ConfigurationError(`a receiver is no source by itself; name one: ${example}`)
  }
  if (anInbox.allows(given)) {
    throw new ConfigurationError(`an inbox is no source by itself; name one of it: ${write("inbox.source('orders')")}`)
  }
  throw new ConfigurationError(`${write('source')} needs a source of a receiver or an inbox, not ${shown(given)}`)
}
