export async function differential(_folder: string): Promise<boolean> {
  return true
}
