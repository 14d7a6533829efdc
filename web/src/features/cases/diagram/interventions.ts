/** Interventions as they are drawn: numbered, gathered by the element they stand at, moves as arrows. Pure. */

import type { Schemas } from '@/api/client';

type Intervention = Schemas['CaseDiagram']['interventions'][number];

export interface Numbered extends Intervention {
  number: number;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** In the order they happened, from 1. */
export function numbered(interventions: readonly Intervention[]): Numbered[] {
  return interventions.map((each, place) => ({ ...each, number: place + 1 }));
}

/** By element, in the order of the first at each; those of the whole case are left out: they stand in the list only. */
export function byElement(interventions: readonly Numbered[]): Map<string, Numbered[]> {
  const found = new Map<string, Numbered[]>();
  for (const each of interventions) {
    if (each.element) found.set(each.element, [...(found.get(each.element) ?? []), each]);
  }
  return found;
}

/** Numbers as a badge shows them: `1、2、3`, from four on `1…7`. */
export function badgeOf(interventions: readonly Numbered[]): string {
  const numbers = interventions.map((each) => each.number);
  return numbers.length > 3 ? `${numbers[0]}…${numbers[numbers.length - 1]}` : numbers.join('、');
}

/** An SVG path from edge to edge of two boxes, bowed upwards so that it hides no sequence flow, with its head. */
export function arrow(from: Box, to: Box): string {
  const start = { x: from.x + from.width / 2, y: from.y };
  const end = { x: to.x + to.width / 2, y: to.y };
  const top = Math.min(start.y, end.y) - LIFT - Math.abs(end.x - start.x) / 8;
  const bend = start.x === end.x ? LIFT : 0; // onto itself, or straight above: a loop
  const line = `M ${start.x - bend} ${start.y} C ${start.x - bend} ${top}, ${end.x + bend} ${top}, ${end.x + bend} ${end.y}`;
  const head = `M ${end.x + bend - HEAD} ${end.y - 2 * HEAD} L ${end.x + bend} ${end.y} L ${end.x + bend + HEAD} ${end.y - 2 * HEAD}`;
  return `${line} ${head}`;
}

const LIFT = 40;
const HEAD = 5;
