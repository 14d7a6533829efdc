import { describe, expect, it } from 'vitest';
import type { WorkItemForm } from '@/api/work-items';
import { attemptsOf, imagesOf, remarksOf, type Desk, type Image, type Page, type Reading } from './desk';

const LABELS = { attempt: (n: number) => `第 ${n} 次`, photo: '照片' };
const anImage = (id: string, kind = 'document-scan') => ({ id, kind, media_type: 'image/jpeg', url: `/${id}` }) as Image;

function aReading(number: number, more: Partial<Reading> = {}): Reading {
  const page = { label: '身份证人像面', original: anImage(`o${number}`), rectified: anImage(`r${number}`), fields: [], warnings: [] };
  return { number, pages: [page as unknown as Page], rows: [], checks: [], findings: [], ...more } as unknown as Reading;
}

function aDesk(readings: Reading[], item: object = {}): Desk {
  const shown = { images: [], shown: {}, is_masked: false, ...item } as unknown as WorkItemForm;
  return { askedAt: 0, item: shown, file: {} as Desk['file'], readings: { readings, faces: [] } as unknown as Desk['readings'] };
}

describe('what the desk shows', () => {
  it('puts the latest attempt first', () => {
    const attempts = attemptsOf(aDesk([aReading(1), aReading(2)]), LABELS);

    expect(attempts.map((attempt) => attempt.label)).toEqual(['第 2 次', '第 1 次']);
  });

  it('shows the photographs themselves where nothing was ever read', () => {
    const images = [anImage('p1'), anImage('face', 'face-capture')];

    const attempts = attemptsOf(aDesk([], { images }), LABELS);

    expect(attempts[0]?.pages.map((page) => page.original?.id)).toEqual(['p1']);
  });

  it('fetches what is looked at first, first, and nothing twice', () => {
    const desk = aDesk([aReading(1), aReading(2)], { images: [anImage('o2'), anImage('extra')] });

    expect(imagesOf(desk).map((image) => image.id)).toEqual(['r2', 'o2', 'r1', 'o1', 'extra']);
  });

  it('remarks only what stands nowhere else and is a sentence', () => {
    const said = aReading(1, { findings: ['证件上的性别与证件号码不符'], rows: [{ typed: '阿卜杜拉·买买提' } as Reading['rows'][number]] });
    const shown = {
      name: '阿卜杜拉·买买提',
      front: '06h0c774zchn3fscjvkm0hx4w9',
      comparison: { flags: ['证件上的性别与证件号码不符'] },
      binding: { reason: '该证件已在另一账号认证' },
      attempts: { used: 2 },
    };

    expect(remarksOf(aDesk([said], { shown }))).toEqual(['该证件已在另一账号认证']);
    expect(remarksOf(aDesk([said], { shown, is_masked: true }))).toEqual([]);
  });
});
