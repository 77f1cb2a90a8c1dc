import { BUGS } from './bugs/index.js'

/** The page of the documentation, with a row for each bug. */
export function page(): string {
  const count = Object.values(BUGS).flat().length
  const tables = Object.entries(BUGS).map(([area, bugs]) => {
    const rows = bugs.map(({ name, file, tests }) => `| ${name} | \`${short(file)}\` | ${tests.map(test).join(', ')} |`)
    return [`## ${area}`, '', '| bug | in | found by |', '|---|---|---|', ...rows].join('\n')
  })
  return `# Seeded bugs

Tests are worth what they find. \`npm run seeded-bugs\` puts each of these ${count} bugs into a copy of the tree, one at a time, and runs
the test files beside it: one of their tests must fail. It runs every night, and fails when a bug survives. A change that moves
the text of one fails \`scripts/seeded-bugs/test\`. The memory store's own are seeded in
\`packages/hookonce/test/testing/store/cases-bite.test.ts\`.

This page is written by \`npm run seeded-bugs -- --page\`.

${tables.join('\n\n')}
`
}

const short = (file: string): string => file.replace(/^packages\//, '').replace('/src/', '/')
const test = (file: string): string =>
  `\`${file
    .replace(/^packages\//, '')
    .replace('/test/', '/')
    .replace('.test.ts', '')}\``
