import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { type Block, ROOT } from './pages.js'
import { code } from './samples.js'

/** Blocks that are part of something: an option, a signature, a handler without its application. */
export const fragments = (): Block[] => code().filter(({ meta }) => meta === '')

const parsed = ({ text }: Block): ts.SourceFile =>
  ts.createSourceFile('fragment.ts', text, ts.ScriptTarget.ES2023, false, ts.ScriptKind.TS)

/** What keeps a fragment from being parsed. */
export function syntaxErrors(block: Block): string[] {
  const { diagnostics = [] } = ts.transpileModule(block.text, { reportDiagnostics: true })
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

/** Of what a fragment imports from this project, what does not exist. */
export function missingImports(blocks: readonly Block[]): string[] {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.cache/docs-check-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const files = blocks.map((block, index) => {
      const file = join(folder, `${index}.ts`)
      writeFileSync(file, importsOf(block))
      return file
    })
    const base = ts.parseConfigFileTextToJson('', ts.sys.readFile(join(ROOT, 'tsconfig.base.json'))!).config
    const { options } = ts.convertCompilerOptionsFromJson(base.compilerOptions, ROOT)
    const own = { noUnusedLocals: false, verbatimModuleSyntax: false, noEmit: true }
    const program = ts.createProgram(files, { ...options, ...own })
    return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const { page, line } = blocks[files.indexOf(file?.fileName ?? '')] ?? { page: 'nowhere', line: 0 }
      return `${page}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function importsOf(block: Block): string {
  const imports = parsed(block).statements.filter(ts.isImportDeclaration)
  const ours = imports.filter(
    ({ moduleSpecifier }) => ts.isStringLiteral(moduleSpecifier) && /^@?hookonce\b/.test(moduleSpecifier.text),
  )
  return ours.map(({ pos, end }) => block.text.slice(pos, end)).join('\n')
}
