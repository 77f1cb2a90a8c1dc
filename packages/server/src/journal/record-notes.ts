import type { Journal } from 'hookonce'
import type { RecordNotes } from '../http/record-json.js'
import { readDuplicates } from './duplicates.js'
import { readFailedAnswer } from './failed-answers.js'

/** What the journal has about a record. */
export async function readNotes(
  journal: Journal,
  record: { scope: string; key: string; createdAt: number },
): Promise<RecordNotes> {
  const [duplicates, failedAnswer] = await Promise.all([
    readDuplicates(journal, record),
    readFailedAnswer(journal, record),
  ])
  return { duplicates, failedAnswer }
}
