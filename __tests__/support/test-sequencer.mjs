import TestSequencer from '@jest/test-sequencer'

/** Tests in these folders start the built server. */
const NEEDS_BUILD = /\/__tests__\/(e2e|faults|bench)\//

/** Jest calls this before the global setup, which builds only when one of the tests to run needs it. */
export default class Sequencer extends TestSequencer {
  /**
   * @override
   * @param {import('@jest/test-result').Test[]} tests
   */
  sort(tests) {
    if (tests.some(({ path }) => NEEDS_BUILD.test(path.replaceAll('\\', '/')))) {
      process.env['HEARTH_TEST_BUILD'] = '1'
    }
    return super.sort(tests)
  }
}
