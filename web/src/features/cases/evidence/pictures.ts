/** Photographs of one desk, fetched once each and kept in memory until the desk is left: their links last five minutes. */

import { shallowReactive } from 'vue';
import { send } from '@/api/send';

/** document: a PDF, which opens on a page of its own. */
export type Picture = { is: 'loading' } | { is: 'here'; url: string } | { is: 'document'; url: string } | { is: 'gone' };

export interface Pictures {
  of: (image: { id: string } | null | undefined) => Picture;
  /** Frees the memory; nothing may be shown afterwards. */
  close: () => void;
}

const AT_ONCE = 3;
const GONE: Picture = { is: 'gone' };

export function openPictures(
  images: readonly { id: string; url: string }[],
  fetchPicture: (url: string, signal: AbortSignal) => Promise<Blob> = load,
): Pictures {
  const pictures = shallowReactive(new Map<string, Picture>(images.map((image) => [image.id, { is: 'loading' }])));
  const abort = new AbortController();
  const queue = [...images];

  async function work() {
    for (let image = queue.shift(); image && !abort.signal.aborted; image = queue.shift()) {
      pictures.set(image.id, await shown(image.url));
    }
  }

  async function shown(url: string): Promise<Picture> {
    try {
      const blob = await fetchPicture(url, abort.signal);
      if (abort.signal.aborted) return GONE;
      return { is: blob.type === 'application/pdf' ? 'document' : 'here', url: URL.createObjectURL(blob) };
    } catch {
      return GONE;
    }
  }

  for (let worker = 0; worker < AT_ONCE; worker++) void work();
  return {
    of: (image) => (image ? (pictures.get(image.id) ?? GONE) : GONE),
    close() {
      abort.abort();
      pictures.forEach((picture) => 'url' in picture && URL.revokeObjectURL(picture.url));
      pictures.clear();
    },
  };
}

/** Throws for whatever is no picture: erased, expired, refused. */
async function load(url: string, signal: AbortSignal): Promise<Blob> {
  const answer = await send(new Request(new URL(url, window.location.origin), { signal }));
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.blob();
}
