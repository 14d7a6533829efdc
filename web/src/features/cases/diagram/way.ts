/** The way a case took, drawn on its diagram: what it came by and how often, who intervened, where its tokens are. */

import { cases as words } from '@/i18n/zh-CN/cases';
import type { Schemas } from '@/api/client';
import { arrow, badgeOf, byElement, type Box, type Numbered } from './interventions';

type Way = Schemas['CaseDiagram'];

// What is used of diagram-js, whose services come by name and without a type.
export interface Canvas {
  zoom(to: 'fit-viewport' | number, centre?: { x: number; y: number } | 'auto'): number;
  addMarker(element: string, marker: string): void;
  scrollToElement(element: string, padding?: number): void;
  getLayer(name: string, index?: number): SVGElement;
}

interface Overlays {
  add(element: string, overlay: { position: Record<string, number>; html: HTMLElement }): string;
}

export interface Registry {
  get(element: string): (Box & { waypoints?: unknown }) | undefined;
  getGraphics(element: string): SVGElement;
}

interface Drawing {
  canvas: Canvas;
  overlays: Overlays;
  registry: Registry;
  isDrawn: (element: string) => boolean;
}

/** The elements where tokens are, each once. */
export function tokensOf(way: Way): string[] {
  return [...new Set(way.tokens.map((each) => each.element))];
}

/** Elements that the diagram does not draw are left out. */
export function drawWay(viewer: { get: <T>(name: string) => T }, way: Way, interventions: readonly Numbered[]): void {
  const registry = viewer.get<Registry>('elementRegistry');
  const drawing: Drawing = {
    canvas: viewer.get<Canvas>('canvas'),
    overlays: viewer.get<Overlays>('overlays'),
    registry,
    isDrawn: (element) => registry.get(element) !== undefined,
  };
  markTaken(drawing, way);
  markInterventions(drawing, interventions);
  markCompensated(drawing, way);
  markTokens(drawing, way);
}

function markTaken({ canvas, overlays, registry, isDrawn }: Drawing, way: Way) {
  const taken = [...way.elements.map((each) => each.element), ...way.lines];
  taken.filter(isDrawn).forEach((element) => canvas.addMarker(element, 'way-taken'));
  way.lines.filter(isDrawn).forEach((line) => bringForward(registry.getGraphics(line)));
  for (const { element, times } of way.elements) {
    if (times > 1 && isDrawn(element)) {
      overlays.add(element, { position: { top: -12, right: 12 }, html: badge(`×${times}`, words.diagram.times(times)) });
    }
  }
  const skipped = way.elements.filter((each) => each.how === 'skipped').map((each) => each.element);
  skipped.filter(isDrawn).forEach((element) => canvas.addMarker(element, 'way-skipped'));
}

function markInterventions({ canvas, overlays, registry, isDrawn }: Drawing, interventions: readonly Numbered[]) {
  for (const [element, here] of byElement(interventions)) {
    if (!isDrawn(element)) continue;
    const told = here.map((each) => `${each.number}. ${each.who} ${each.sentence}`).join('\n');
    overlays.add(element, { position: { top: -12, left: -6 }, html: badge(badgeOf(here), told, 'by-hand') });
  }
  for (const { element, to } of interventions) {
    const [from, goal] = [registry.get(element), to ? registry.get(to) : undefined];
    if (from && goal) canvas.getLayer('interventions', 1).append(drawnArrow(arrow(from, goal)));
  }
}

function markCompensated({ overlays, isDrawn }: Drawing, way: Way) {
  for (const { element, how } of way.elements) {
    if (how === 'compensated' && isDrawn(element)) {
      overlays.add(element, { position: { bottom: 12, left: -24 }, html: badge(words.diagram.compensated, '') });
    }
  }
}

function markTokens({ canvas, overlays, isDrawn }: Drawing, way: Way) {
  for (const element of tokensOf(way).filter(isDrawn)) {
    canvas.addMarker(element, 'way-token');
    overlays.add(element, { position: { bottom: 12, right: 30 }, html: badge(words.diagram.here, '', 'here') });
  }
}

/** Lines that lead to one place are drawn over each other: the one that was taken lies on top. */
function bringForward(drawn: SVGElement) {
  const group = drawn.parentNode;
  if (group) group.parentNode?.appendChild(group);
}

function drawnArrow(path: string): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  made.setAttribute('d', path);
  made.setAttribute('class', 'way-moved');
  return made;
}

function badge(text: string, title: string, more = ''): HTMLElement {
  const made = document.createElement('span');
  made.className = `way-badge ${more}`;
  made.textContent = text;
  made.title = title;
  return made;
}
