/** A Markdown table. Cells are Markdown, on one line each. */
export const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

export const row = cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
