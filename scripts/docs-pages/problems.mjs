/** Every problem a receiver or a server answers with, and what to do about it. */
import { PROBLEMS } from '../../packages/hookonce/dist/index.js'
import { PROBLEM_HELP } from '../../packages/server/dist/http/problem-help.js'
import { SERVER_PROBLEMS } from '../../packages/server/dist/http/problems.js'
import { table } from './table.mjs'

export function problemsTable() {
  const rows = Object.entries(SERVER_PROBLEMS)
    .sort(([, [one]], [, [other]]) => one - other)
    .map(([code, [status, title]]) => {
      const { means, todo } = PROBLEM_HELP[code]
      return [
        String(status),
        `\`${code}\``,
        `**${title}.** ${means} *What to do:* ${todo.replaceAll('<', '\\<')}`,
        code in PROBLEMS ? 'yes' : 'no',
      ]
    })
  return table(['status', 'code', 'meaning', 'in the library'], rows)
}
