import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lastLine, run } from '../test-tools/run.js'

/** Installs and builds the release before this one in a folder of the run's own. Gives the path of its command line. */
export async function buildPreviousRelease(): Promise<string> {
  const ref = process.env.HOOKONCE_PREVIOUS || (await latestTagBefore())
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-previous-'))
  const source = join(folder, 'source')
  mkdirSync(source)
  const archive = join(folder, 'source.tar')
  await must('git', ['archive', '--output', archive, ref])
  await must('tar', ['-x', '-f', archive, '-C', source])
  await must('npm', ['ci', '--no-audit', '--no-fund'], source)
  await must('npm', ['run', 'build'], source)
  console.log(`the previous release is ${ref}`)
  return join(source, 'packages/server/dist/cli.js')
}

async function latestTagBefore(): Promise<string> {
  const tags = await must('git', ['tag', '--merged', 'HEAD', '--no-contains', 'HEAD', '--sort=-creatordate'])
  const [latest = ''] = tags.split('\n')
  if (latest !== '') return latest
  throw new Error('no tag is an ancestor of this commit: say with HOOKONCE_PREVIOUS which one the upgrade is from')
}

/** The output of a command, which must succeed. */
async function must(command: string, args: string[], cwd?: string): Promise<string> {
  const { code, output } = await run(command, args, environment(), cwd)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${lastLine(output)}`)
  return output
}

/** That of a shell: a test's NODE_ENV, and what npm told its script, are not the build's. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env
  return { PATH, HOME, TMPDIR }
}
