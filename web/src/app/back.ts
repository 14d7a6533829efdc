/** Where to go after signing in: a path of this console, never an address elsewhere. */
export function backOf(asked: unknown): string {
  return typeof asked === 'string' && /^\/(?![/\\])/.test(asked) && !asked.startsWith('/sign-in') ? asked : '/';
}
