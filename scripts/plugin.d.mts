export const PLUGIN_PARTS: readonly string[]
export const PLUGIN_README: string
export function writePlugin(root: string): Promise<void>
