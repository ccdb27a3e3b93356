// Goldens of firewalls' messages that are not followed: the place, the fields, and why.
import type { DeliberateField } from './syslog-deliberate.js'

export const firewallFields: readonly DeliberateField[] = []
