#!/usr/bin/env node
// The command inside a clone: brings the build up to date, then runs it.
import { ensureBuilt, ensureInstalled } from '../scripts/ensure.mjs'

ensureInstalled()
ensureBuilt()
await import('../dist/cli/culvert.js')
