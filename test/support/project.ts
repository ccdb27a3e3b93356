/** Where things are that a suite reads or starts. Suites run compiled, from `dist/test`; what they read is where it is kept. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const project = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '')

/** Golden inputs. */
export const fixtures = join(project, 'test/fixtures')

/** The compiled command. */
export const command = join(project, 'dist/cli/culvert.js')

/**
 * Arguments of `env` before those of Node.js: a process of Node's without the modules that the test runner loads into each that a
 * test starts. They take as long to load as the command does, and belong to no process that is measured.
 */
export const plainNode = ['-u', 'NODE_OPTIONS', process.execPath] as const
