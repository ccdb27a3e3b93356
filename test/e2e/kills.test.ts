/** A dozen kills under load; `npm run kills` does hundreds. */
import t from 'tap'
import { faultsOf } from '../kills/promise.js'
import { runKills } from '../kills/run.js'

t.test(
  'killed twelve times under load: what was sealed is there, once, and what is missing is told',
  async (t) => {
    const result = await runKills({ folder: t.testdir(), times: 12, seed: 5 })
    t.comment(JSON.stringify(result))
    t.same(faultsOf(result), [])
    t.ok(result.stored > 1000, `${result.stored} rows`)
  },
)
