/** The options of the library, by the types and doc comments that it is published with. */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { table } from './table.mjs'

const DIST = fileURLToPath(new URL('../../packages/', import.meta.url))
const ENTRIES = {
  hookonce: `${DIST}hookonce/dist/index.d.ts`,
  memory: `${DIST}hookonce/dist/stores/memory/index.d.ts`,
  sqlite: `${DIST}hookonce/dist/stores/sqlite/index.d.ts`,
  redis: `${DIST}hookonce/dist/stores/redis/index.d.ts`,
  postgres: `${DIST}hookonce/dist/stores/postgres/index.d.ts`,
  server: `${DIST}server/dist/index.d.ts`,
}

const program = ts.createProgram(Object.values(ENTRIES), {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  types: ['node'],
})
const checker = program.getTypeChecker()

/** The table of an exported interface's properties; `without` names interfaces whose properties stand elsewhere. */
export function optionsTable(entry, name, ...without) {
  const left = new Set(without.flatMap(other => propertiesOf(entry, other).map(property => property.name)))
  const rows = propertiesOf(entry, name)
    .filter(property => !left.has(property.name))
    .map(property => {
      const required = (property.flags & ts.SymbolFlags.Optional) === 0
      return [`\`${property.name}\`${required ? ' (required)' : ''}`, docOf(property) || `\`${typeOf(property)}\``]
    })
  return table(['option', 'meaning'], rows)
}

function propertiesOf(entry, name) {
  const file = checker.getSymbolAtLocation(program.getSourceFile(ENTRIES[entry]))
  const symbol = checker.getExportsOfModule(file).find(exported => exported.name === name)
  if (symbol === undefined) throw new Error(`${entry} exports no ${name}`)
  const declared = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  return checker.getDeclaredTypeOfSymbol(declared).getProperties()
}

function docOf(property) {
  const text = property.getDocumentationComment(checker).map(({ kind, text }) => {
    if (kind === 'link') return ''
    return kind.startsWith('link') ? `\`${text.trim()}\`` : text
  })
  return text
    .join('')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/(?<![<\w])https:[^\s)]+/g, '<$&>')
    .trim()
}

function typeOf(property) {
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(property))
  return checker.typeToString(checker.getBaseConstraintOfType(type) ?? type).replace(/<.*>/, '')
}
