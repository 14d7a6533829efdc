/** Where a picture lies in its frame. All lengths in CSS pixels; the frame's centre is the origin. Pure. */

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** x, y: the picture's centre. scale: CSS pixels of one picture pixel. turns: quarter turns clockwise. */
export interface View extends Point {
  scale: number;
  turns: number;
}

const MARGIN = 8;
const LARGEST_SCALE = 8;
const SMALLEST_SHARE = 0.5; // of the scale at which the picture fits: smaller shows nothing more

/** The whole picture, as large as the frame allows. */
export function fitted(frame: Size, picture: Size, turns = 0): View {
  return { x: 0, y: 0, turns: turns % 4, scale: fitScale(frame, picture, turns) };
}

/** Nearer by `factor`, keeping the point `at` of the frame where it is. */
export function zoomed(view: View, factor: number, frame: Size, picture: Size, at: Point = { x: 0, y: 0 }): View {
  const smallest = fitScale(frame, picture, view.turns) * SMALLEST_SHARE;
  const scale = Math.min(LARGEST_SCALE, Math.max(smallest, view.scale * factor));
  const share = scale / view.scale;
  const moved = { ...view, scale, x: at.x + (view.x - at.x) * share, y: at.y + (view.y - at.y) * share };
  return kept(moved, frame, picture);
}

/** A quarter turn clockwise (1) or back (-1); the whole picture is shown again. */
export function turned(view: View, by: 1 | -1, frame: Size, picture: Size): View {
  return fitted(frame, picture, view.turns + by + 4);
}

export function moved(view: View, by: Point, frame: Size, picture: Size): View {
  return kept({ ...view, x: view.x + by.x, y: view.y + by.y }, frame, picture);
}

/** As near as shows the box with room around it, its middle in the middle of the frame. */
export function centredOn(box: readonly number[], view: View, frame: Size, picture: Size): View {
  const [left = 0, top = 0, right = 0, bottom = 0] = box;
  const size = lying({ width: right - left, height: bottom - top }, view.turns);
  // A line of writing wants the lines around it, a face only its edge.
  const around = size.width > 2 * size.height ? 4 : 1.5;
  const room = Math.min(frame.width / (size.width * 1.6 || 1), frame.height / (size.height * around || 1));
  const scale = Math.min(LARGEST_SCALE / 2, Math.max(fitScale(frame, picture, view.turns), room));
  const away = { x: (left + right - picture.width) / 2, y: (top + bottom - picture.height) / 2 };
  const lyingAway = rotated(away, view.turns);
  return kept({ ...view, scale, x: -lyingAway.x * scale, y: -lyingAway.y * scale }, frame, picture);
}

/** The CSS transform of a layer of the picture's own size that lies in the middle of the frame. */
export function transformOf(view: View): string {
  return `translate(-50%, -50%) translate(${view.x}px, ${view.y}px) scale(${view.scale}) rotate(${view.turns * 90}deg)`;
}

function fitScale(frame: Size, picture: Size, turns: number): number {
  const size = lying(picture, turns);
  const fits = Math.min((frame.width - 2 * MARGIN) / size.width, (frame.height - 2 * MARGIN) / size.height);
  return Number.isFinite(fits) && fits > 0 ? fits : 1;
}

/** No picture is lost: at least half of the frame still shows it, and one smaller than the frame stays inside. */
function kept(view: View, frame: Size, picture: Size): View {
  const size = lying(picture, view.turns);
  const farthest = (whole: number, part: number) => Math.max(0, Math.abs(part - whole) / 2) + (part > whole ? whole / 4 : 0);
  const bound = (value: number, most: number) => Math.min(most, Math.max(-most, value));
  return {
    ...view,
    x: bound(view.x, farthest(frame.width, size.width * view.scale)),
    y: bound(view.y, farthest(frame.height, size.height * view.scale)),
  };
}

function lying(size: Size, turns: number): Size {
  return turns % 2 ? { width: size.height, height: size.width } : size;
}

function rotated(point: Point, turns: number): Point {
  let { x, y } = point;
  for (let turn = 0; turn < turns % 4; turn++) [x, y] = [-y, x];
  return { x, y };
}
