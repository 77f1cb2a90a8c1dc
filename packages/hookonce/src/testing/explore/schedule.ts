import { ConfigurationError } from '../../errors.js'
import { shown } from '../../util/options.js'

/** Two are enough for every race: one that crashes or pauses, and one that takes over. */
export const PROCESSES = ['A', 'B'] as const
export type ProcessName = (typeof PROCESSES)[number]

/** One step of a schedule. */
export type Step =
  | { does: 'deliver'; event: string; process: ProcessName }
  /** Half a call each: what it does, then its answer. */
  | { does: 'work'; process: ProcessName; steps: number }
  | { does: 'crash' | 'pause' | 'resume' | 'fail' | 'lose'; process: ProcessName }
  | { does: 'wait'; seconds: number }

const FORMS: Record<'crash' | 'pause' | 'resume' | 'fail' | 'lose', string> = {
  crash: 'crashes',
  pause: 'pauses',
  resume: 'resumes',
  fail: 'has its call fail',
  lose: 'has its answer lost',
}

export function textOf(step: Step): string {
  switch (step.does) {
    case 'deliver':
      return `deliver ${step.event} to ${step.process}`
    case 'work':
      return `${step.process} takes ${step.steps} ${step.steps === 1 ? 'step' : 'steps'}`
    case 'wait':
      return `${step.seconds} seconds pass`
    default:
      return `${step.process} ${FORMS[step.does]}`
  }
}

/** @throws {ConfigurationError} it is no step */
export function stepOf(text: string): Step {
  const delivered = /^deliver (.+) to ([AB])$/.exec(text)
  if (delivered) return { does: 'deliver', event: delivered[1]!, process: delivered[2] as ProcessName }
  const worked = /^([AB]) takes (\d{1,9}) steps?$/.exec(text)
  if (worked) return { does: 'work', process: worked[1] as ProcessName, steps: Number(worked[2]) }
  const waited = /^(\d{1,9}) seconds pass$/.exec(text)
  if (waited) return { does: 'wait', seconds: Number(waited[1]) }
  for (const [does, form] of Object.entries(FORMS)) {
    for (const process of PROCESSES) {
      if (text === `${process} ${form}`) return { does: does as keyof typeof FORMS, process }
    }
  }
  throw new ConfigurationError(`a schedule's steps are those that explore prints, not ${shown(text)}`)
}
