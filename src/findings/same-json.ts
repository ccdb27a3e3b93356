/** Whether two values are the same JSON: the order of members does not count, nor do members that are undefined. */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false
    return one.every((item, index) => isSameJson(item, other[index]))
  }
  const [ones, others] = [one as Record<string, unknown>, other as Record<string, unknown>]
  for (const key in ones) if (!isSameJson(ones[key], others[key])) return false
  for (const key in others) if (ones[key] === undefined && others[key] !== undefined) return false
  return true
}
