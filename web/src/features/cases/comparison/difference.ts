/** What a person typed against what was read from the document, letter by letter. */

export interface Part {
  text: string;
  differs: boolean;
}

export interface Difference {
  typed: Part[];
  read: Part[];
  isSame: boolean;
}

// Beyond this a table of every pair of letters would cost more than it tells: names and numbers are far shorter.
const LONGEST_COMPARED = 400;

const segmenter = new Intl.Segmenter('zh', { granularity: 'grapheme' });

/** Letters as a reader counts them: a rare character outside the BMP, or one with a combining mark, is one letter. */
export function lettersOf(text: string): string[] {
  return Array.from(segmenter.segment(text), (each) => each.segment);
}

/** The two texts cut into parts that agree and parts that do not; blanks and letter forms (ｘ, x, X) never differ. */
export function differenceOf(typed: string, read: string): Difference {
  const left = lettersOf(typed);
  const right = lettersOf(read);
  const marks = fewestMarks(left.map(folded), right.map(folded));
  return {
    typed: partsOf(left, marks.left),
    read: partsOf(right, marks.right),
    isSame: ![...marks.left, ...marks.right].includes(true),
  };
}

interface Marks {
  left: boolean[];
  right: boolean[];
}

/**
 * Place by place where that marks no more than aligning would: somebody who compares two numbers reads them column by
 * column. A lost or doubled digit shifts everything after it; there the alignment marks fewer.
 */
function fewestMarks(left: string[], right: string[]): Marks {
  const aligned = alignedMarks(left, right);
  if (left.length !== right.length) return aligned;
  const placed = left.map((letter, place) => letter !== right[place]);
  const isBetter = count(placed) * 2 <= count(aligned.left) + count(aligned.right) + 2;
  return isBetter ? { left: inked(placed, left), right: inked(placed, right) } : aligned;
}

function alignedMarks(left: string[], right: string[]): Marks {
  const marks: Marks = { left: left.map(isInk), right: right.map(isInk) };
  const [from, untilLeft, untilRight] = commonEnds(left, right, marks);
  if (untilLeft - from > LONGEST_COMPARED || untilRight - from > LONGEST_COMPARED) return marks;
  const lengths = commonLengths(left.slice(from, untilLeft), right.slice(from, untilRight));
  let i = from;
  let j = from;
  while (i < untilLeft && j < untilRight) {
    if (left[i] === right[j]) {
      marks.left[i++] = false;
      marks.right[j++] = false;
    } else if (lengths[i - from + 1]![j - from]! >= lengths[i - from]![j - from + 1]!) i++;
    else j++;
  }
  return marks;
}

function commonEnds(left: string[], right: string[], marks: Marks): [number, number, number] {
  let from = 0;
  while (from < left.length && left[from] === right[from]) {
    marks.left[from] = false;
    marks.right[from++] = false;
  }
  let i = left.length;
  let j = right.length;
  while (i > from && j > from && left[i - 1] === right[j - 1]) {
    marks.left[--i] = false;
    marks.right[--j] = false;
  }
  return [from, i, j];
}

/** lengths[i][j]: how many letters left[i..] and right[j..] have in common, in order. */
function commonLengths(left: string[], right: string[]): number[][] {
  const lengths = Array.from({ length: left.length + 1 }, () => new Array<number>(right.length + 1).fill(0));
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        left[i] === right[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  return lengths;
}

// What keyboards, fonts and reading give for the dot in 阿卜杜拉·买买提; the server takes them for one as well.
const DOTS = /[·••‧∙⋅・･᛫●.．。]/u;

function folded(letter: string): string {
  const plain = letter.normalize('NFKC').toUpperCase().trim();
  return DOTS.test(plain) ? '·' : plain;
}

function isInk(letter: string): boolean {
  return letter !== '';
}

function inked(marks: boolean[], letters: string[]): boolean[] {
  return marks.map((isMarked, place) => isMarked && isInk(letters[place] ?? ''));
}

function partsOf(letters: string[], marks: boolean[]): Part[] {
  const parts: Part[] = [];
  letters.forEach((text, place) => {
    const last = parts.at(-1);
    const differs = marks[place] ?? false;
    if (last && last.differs === differs) last.text += text;
    else parts.push({ text, differs });
  });
  return parts;
}

function count(marks: boolean[]): number {
  return marks.filter(Boolean).length;
}
