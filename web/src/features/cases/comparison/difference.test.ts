import { describe, expect, it } from 'vitest';
import { differenceOf, lettersOf, type Part } from './difference';

const shown = (parts: Part[]) => parts.map((each) => (each.differs ? `[${each.text}]` : each.text)).join('');

describe('difference of what was typed and what was read', () => {
  it('marks nothing in equal texts', () => {
    const found = differenceOf('陈思源', '陈思源');

    expect(found.isSame).toBe(true);
    expect(found.typed).toEqual([{ text: '陈思源', differs: false }]);
  });

  it('marks the one wrong character', () => {
    const found = differenceOf('陈思源', '陈思远');

    expect(shown(found.typed)).toBe('陈思[源]');
    expect(shown(found.read)).toBe('陈思[远]');
  });

  it('compares numbers of one length place by place', () => {
    const found = differenceOf('110105194912310012', '110105194912310021');

    expect(shown(found.typed)).toBe('1101051949123100[12]');
    expect(shown(found.read)).toBe('1101051949123100[21]');
  });

  it('marks only the lost digit of a number that is one short', () => {
    const found = differenceOf('11010519491231002', '110105194912310002');

    expect(shown(found.typed)).toBe('11010519491231002');
    expect(shown(found.read).replace(/[^[\]]/g, '')).toBe('[]');
    expect(found.read.filter((each) => each.differs)).toEqual([{ text: '0', differs: true }]);
  });

  it('marks a shifted number by what was lost and what was added', () => {
    const found = differenceOf('123456789012', '234567890123');

    expect(shown(found.typed)).toBe('[1]23456789012');
    expect(shown(found.read)).toBe('23456789012[3]');
  });

  it('takes a rare character for one letter', () => {
    const found = differenceOf('𠀀𫠝明', '𠀀𫠜明');

    expect(lettersOf('𠀀𫠝明')).toHaveLength(3);
    expect(shown(found.typed)).toBe('𠀀[𫠝]明');
    expect(shown(found.read)).toBe('𠀀[𫠜]明');
  });

  it('does not mark blanks, full-width letters, small letters and kinds of dots', () => {
    expect(differenceOf('1101 0519x', '11010519Ｘ').isSame).toBe(true);
    expect(differenceOf('阿卜杜拉•买买提', '阿卜杜拉·买买提').isSame).toBe(true);
  });

  it('marks everything read where nothing was typed', () => {
    const found = differenceOf('', '王芳');

    expect(found.typed).toEqual([]);
    expect(shown(found.read)).toBe('[王芳]');
    expect(found.isSame).toBe(false);
  });

  it('gives both texts back letter for letter, whatever they are', () => {
    const alphabet = [...'王芳𠀀·x1 𫠝é'];
    let seed = 20261123;
    const next = () => (seed = (seed * 48271) % 2147483647);
    const some = () => Array.from({ length: next() % 14 }, () => alphabet[next() % alphabet.length]).join('');

    for (let run = 0; run < 500; run++) {
      const [typed, read] = [some(), some()];
      const found = differenceOf(typed, read);

      expect(found.typed.map((each) => each.text).join('')).toBe(typed);
      expect(found.read.map((each) => each.text).join('')).toBe(read);
    }
  });

  it('does not take long over a text nobody would type as a name', () => {
    const began = performance.now();

    differenceOf('甲'.repeat(5000), '乙'.repeat(5000));

    expect(performance.now() - began).toBeLessThan(1000);
  });
});
