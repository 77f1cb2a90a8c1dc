import { autocompleteMultiselect, intro, isCancel, select, text } from '@clack/prompts'
import { SENDERS } from 'hookonce/senders'
import { StartError } from '../../config/start-error.js'
import { type Choices, DEFAULTS, MODES, STORES } from './choices.js'
import { forwardFault } from './options.js'

const MODE_HINTS: Record<Choices['mode'], string> = {
  inline: 'a delivery is answered with its result',
  inbox: 'it is acknowledged at once, and worked on until it succeeds',
}

const STORE_HINTS: Record<Choices['store'], string> = {
  sqlite: 'a file on this machine; nothing else has to run',
  redis: 'shared by several machines',
  postgres: 'shared by several machines; effects in the same transaction',
  memory: 'forgotten at the end: for a trial',
}

/** Asks a person for what is not given. @throws {StartError} the person has left */
export async function askFor(given: Partial<Choices>): Promise<Choices> {
  intro('hookonce init')
  const senders =
    given.senders ??
    answered(
      await autocompleteMultiselect({
        message: 'Who delivers? None: anybody may.',
        placeholder: 'type to search',
        options: [...SENDERS.values()].map(({ facts }) => ({ value: facts.name, label: facts.title })),
        maxItems: 8,
      }),
    )
  const mode =
    given.mode ??
    answered(
      await select({
        message: 'How are deliveries answered?',
        options: MODES.map(value => ({ value, hint: MODE_HINTS[value] })),
        initialValue: DEFAULTS.mode,
      }),
    )
  const store =
    given.store ??
    answered(
      await select({
        message: 'Where are records kept?',
        options: STORES.map(value => ({ value, hint: STORE_HINTS[value] })),
        initialValue: DEFAULTS.store,
      }),
    )
  if (given.forward !== undefined) return { senders, mode, store, forward: given.forward }
  const forward = answered(
    await text({
      message: 'Which URL of your application takes deliveries? Empty: they are acknowledged for now.',
      placeholder: 'http://localhost:3000/hooks',
      validate: value => (value === undefined || value === '' ? undefined : forwardFault(value)),
    }),
  )
  return { senders, mode, store, forward: forward === '' ? undefined : forward }
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new StartError('init: nothing was written', 1)
  return answer as Exclude<T, symbol>
}
