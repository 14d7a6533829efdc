import { describe, expect, it } from 'vitest';
import { centredOn, fitted, moved, transformOf, turned, zoomed } from './view';

const frame = { width: 816, height: 616 };
const card = { width: 1600, height: 1000 };

describe('where a picture lies', () => {
  it('shows the whole picture at first', () => {
    expect(fitted(frame, card)).toEqual({ x: 0, y: 0, turns: 0, scale: 0.5 });
  });

  it('fits a turned picture by its other side', () => {
    const view = turned(fitted(frame, card), 1, frame, card);

    expect(view.turns).toBe(1);
    expect(view.scale).toBeCloseTo(0.375);
    expect(turned(view, -1, frame, card).turns).toBe(0);
    expect(turned(fitted(frame, card), -1, frame, card).turns).toBe(3);
  });

  it('keeps the point under the pointer where it is', () => {
    const at = { x: 100, y: -50 };
    const before = fitted(frame, card);

    const after = zoomed(before, 2, frame, card, at);

    expect(after.scale).toBe(1);
    expect((at.x - after.x) / after.scale).toBeCloseTo((at.x - before.x) / before.scale);
    expect((at.y - after.y) / after.scale).toBeCloseTo((at.y - before.y) / before.scale);
  });

  it('never loses the picture, however far it is pushed', () => {
    const near = zoomed(fitted(frame, card), 4, frame, card);

    const pushed = moved(near, { x: 1e6, y: -1e6 }, frame, card);

    expect(pushed.x - (card.width * near.scale) / 2).toBeLessThan(frame.width / 2);
    expect(pushed.y + (card.height * near.scale) / 2).toBeGreaterThan(-frame.height / 2);
  });

  it('is bounded in both directions', () => {
    const view = fitted(frame, card);

    expect(zoomed(view, 1e9, frame, card).scale).toBe(8);
    expect(zoomed(view, 1e-9, frame, card).scale).toBe(0.25);
  });

  it('brings a field into the middle, turned or not', () => {
    const box = [1000, 100, 1200, 150];

    const straight = centredOn(box, fitted(frame, card), frame, card);
    const onItsSide = centredOn(box, fitted(frame, card, 1), frame, card);

    expect(straight.x).toBeCloseTo(-(1100 - 800) * straight.scale);
    expect(straight.scale).toBeGreaterThan(0.5);
    expect(onItsSide.y).toBeCloseTo(-(1100 - 800) * onItsSide.scale);
  });

  it('brings a face nearer than a line of writing of the same height', () => {
    const face = centredOn([0, 0, 200, 250], fitted(frame, card), frame, card);
    const line = centredOn([0, 0, 1000, 250], fitted(frame, card), frame, card);

    expect(face.scale).toBeGreaterThan(line.scale);
  });

  it('does not break on a picture without a size', () => {
    expect(fitted(frame, { width: 0, height: 0 }).scale).toBe(1);
    expect(transformOf(fitted({ width: 0, height: 0 }, card))).toContain('scale(1)');
  });
});
