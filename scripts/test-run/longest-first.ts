import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Starts with the tests of server processes, which take longest, so that no worker is left with one at the end. Without
 * times of an earlier run Vitest would begin with the largest files, and theirs are the smallest.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes('/test/process/')
    return [...sorted.filter(isLong), ...sorted.filter(file => !isLong(file))]
  }
}
