import { cssColor } from './canvas.ts';

const SIZE = 8;

/** The fill of a place without a value: slanted lines, which look like no share. */
export function hatch(context: CanvasRenderingContext2D, ratio: number): CanvasPattern | string {
  const tile = document.createElement('canvas');
  const side = Math.max(1, Math.round(SIZE * ratio));
  tile.width = tile.height = side;
  const inside = tile.getContext('2d');
  if (!inside) return cssColor('--missing');
  inside.fillStyle = cssColor('--missing');
  inside.fillRect(0, 0, side, side);
  inside.strokeStyle = cssColor('--line');
  inside.lineWidth = ratio;
  for (const shift of [-side, 0, side]) {
    inside.beginPath();
    inside.moveTo(shift, side);
    inside.lineTo(shift + side, 0);
    inside.stroke();
  }
  const pattern = context.createPattern(tile, 'repeat');
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern ?? cssColor('--missing');
}
