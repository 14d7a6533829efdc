import { flushPromises } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openPictures } from './pictures';

const IMAGES = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, url: `/api/v1/evidence/${id}` }));

describe('the pictures of a desk', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('are fetched once each, in order, three at a time', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const fetchPicture = (url: string) => {
      asked.push(url.slice(-1));
      return new Promise<Blob>((resolve) => answers.push(() => resolve(new Blob(['jpeg']))));
    };

    const pictures = openPictures(IMAGES, fetchPicture);
    expect(asked).toEqual(['a', 'b', 'c']);
    answers[0]!();
    await flushPromises();

    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    expect(pictures.of(IMAGES[0]).is).toBe('here');
    expect(pictures.of(IMAGES[4]).is).toBe('loading');
  });

  it('are gone where they were erased, and the others are shown', async () => {
    const fetchPicture = (url: string) =>
      url.endsWith('b') ? Promise.reject(new Error('410')) : Promise.resolve(new Blob(['jpeg']));

    const pictures = openPictures(IMAGES, fetchPicture);
    await flushPromises();

    expect(pictures.of(IMAGES[1]).is).toBe('gone');
    expect(pictures.of(IMAGES[2]).is).toBe('here');
    expect(pictures.of(null).is).toBe('gone');
    expect(pictures.of({ id: 'of another case' }).is).toBe('gone');
  });

  it('are documents where the file is a PDF: no canvas draws one', async () => {
    const pdf = new Blob(['%PDF-1.7'], { type: 'application/pdf' });

    const pictures = openPictures(IMAGES.slice(0, 1), () => Promise.resolve(pdf));
    await flushPromises();

    expect(pictures.of(IMAGES[0]).is).toBe('document');
  });

  it('leave nothing in memory once the desk is left', async () => {
    const revoke = vi.spyOn(URL, 'revokeObjectURL');
    const pictures = openPictures(IMAGES.slice(0, 2), () => Promise.resolve(new Blob(['jpeg'])));
    await flushPromises();

    pictures.close();

    expect(revoke).toHaveBeenCalledTimes(2);
    expect(pictures.of(IMAGES[0]).is).toBe('gone');
  });
});
