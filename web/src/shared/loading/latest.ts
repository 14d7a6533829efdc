/** Loads of which only the latest counts: it aborts the one before it, and what that one still gives is forgotten. */

export interface Outcome<T> {
  ready: (value: T) => void;
  failed: (thrown: unknown) => void;
  /** What an overtaken load gave after all, for whoever has to free it. */
  overtaken?: (value: T) => void;
}

export interface Latest {
  run: <T>(load: (signal: AbortSignal) => Promise<T>, outcome: Outcome<T>) => Promise<void>;
  /** Aborts the load under way. */
  abort: () => void;
}

export function latestOnly(): Latest {
  let current: AbortController | null = null;

  async function run<T>(load: (signal: AbortSignal) => Promise<T>, outcome: Outcome<T>): Promise<void> {
    current?.abort();
    const mine = (current = new AbortController());
    try {
      const value = await load(mine.signal);
      if (mine === current) outcome.ready(value);
      else outcome.overtaken?.(value);
    } catch (thrown) {
      if (mine === current && !mine.signal.aborted) outcome.failed(thrown);
    }
  }

  return { run, abort: () => current?.abort() };
}
