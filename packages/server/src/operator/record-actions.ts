import type { FastifyRequest } from 'fastify'
import type { Answer, Inbox, Journal, Receiver, ReceiverRecord, RedriveOptions } from 'hookonce'
import type { Shown } from '../config/redaction.js'
import { serverProblem } from '../http/problems.js'
import type { RecordNotes } from '../http/record-json.js'
import { jsonAnswer } from '../http/respond.js'
import { readNotes } from '../journal/record-notes.js'
import type { Audit } from './audit.js'

export interface RecordContext {
  receiver: Receiver
  inbox: Inbox
  journal: Journal
  audit: Audit
  shownOf(source: string): Shown
}

/** Operations on one record, for both operator APIs. */
export class RecordActions {
  readonly #context: RecordContext

  constructor(context: RecordContext) {
    this.#context = context
  }

  async show(
    source: string,
    key: string,
    shape: { json(record: ReceiverRecord & Partial<RecordNotes>, shown: Shown): object },
  ): Promise<Answer> {
    const { receiver, journal, shownOf } = this.#context
    const record = await receiver.record(source, key)
    if (record === undefined) return noRecord(source)
    // The record is what matters: its journal may be without privileges, or fail alone.
    const notes = await readNotes(journal, record).catch(() => ({}))
    return jsonAnswer(shape.json({ ...record, ...notes }, shownOf(source)))
  }

  async delete({ raw }: FastifyRequest, source: string, key: string, force: boolean): Promise<Answer> {
    const outcome = await this.#context.receiver.deleteRecord(source, key, { force })
    this.#context.audit(raw, { action: 'delete', source, key, outcome })
    switch (outcome) {
      case 'deleted':
        return jsonAnswer({ status: 'cleared', key })
      case 'absent':
        return noRecord(source)
      case 'running':
        return serverProblem('record_running', {
          detail: 'An attempt is running. ?force=true deletes the record anyway; the result is then refused.',
        })
    }
  }

  async redrive({ raw }: FastifyRequest, source: string, key: string, options: RedriveOptions): Promise<Answer> {
    const outcome = await this.#context.inbox.redrive(source, key, options)
    this.#context.audit(raw, { action: 'redrive', source, key, outcome })
    switch (outcome) {
      case 'redriven':
      case 'due':
        return jsonAnswer({ status: outcome, key })
      case 'busy':
        return serverProblem('record_running', {
          detail: options.waiting
            ? 'An attempt is running.'
            : 'This delivery has attempts left. If none is running, {"waiting": true} makes the next one due at once.',
        })
      case 'completed':
        return serverProblem('record_completed', { detail: 'To process it again send {"completed": true}.' })
      case 'absent':
        return serverProblem('not_found', {
          detail: `Nothing was accepted for this key of the source "${source}". Only what an inbox accepted can be redriven.`,
        })
    }
  }
}

function noRecord(source: string): Answer {
  return serverProblem('not_found', { detail: `Nothing is recorded for this key of the source "${source}".` })
}
