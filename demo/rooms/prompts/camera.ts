// The camera that goes round the landscape. No DOM.
import { mat4, vec3 } from 'wgpu-matrix';
import type { Ray } from '../../../src/entries/browser.ts';

/** Where the camera is: angles in radians, lengths in the landscape's world. */
export interface Camera {
  /** Round the landscape; 0 looks from the first epoch to the last. */
  readonly yaw: number;
  /** Above the ground. */
  readonly pitch: number;
  readonly distance: number;
  /** The place that is looked at, on the ground. */
  readonly x: number;
  readonly z: number;
}

/** The view that a landscape begins with. */
export const home: Camera = { yaw: -0.18, pitch: 0.7, distance: 2.55, x: 0, z: 0 };
/** Straight from above: the heat map. */
export const above: Camera = { yaw: 0, pitch: 1.55, distance: 3.2, x: 0, z: 0 };

const FIELD_OF_VIEW = (42 * Math.PI) / 180;
/** Height of what is looked at. */
const HEIGHT = 0;
const [LEAST_PITCH, MOST_PITCH] = [0.08, 1.55];
const [NEAREST, FARTHEST] = [0.7, 6];
/** How far the place that is looked at may go from the middle. */
const REACH = 1.3;

const within = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value));

/** A camera within its bounds. */
const bounded = ({ yaw, pitch, distance, x, z }: Camera): Camera => ({
  yaw: within(yaw, -Math.PI / 2, Math.PI / 2),
  pitch: within(pitch, LEAST_PITCH, MOST_PITCH),
  distance: within(distance, NEAREST, FARTHEST),
  x: within(x, -REACH, REACH),
  z: within(z, -REACH, REACH),
});

/** Goes round by some angles. */
export const orbit = (camera: Camera, yaw: number, pitch: number): Camera =>
  bounded({ ...camera, yaw: camera.yaw + yaw, pitch: camera.pitch + pitch });

/** Goes nearer by a factor above 1, farther by one below. */
export const zoom = (camera: Camera, factor: number): Camera =>
  bounded({ ...camera, distance: camera.distance / factor });

/** Moves along the ground, to the right and forwards as the camera sees it. */
export function pan(camera: Camera, right: number, forwards: number): Camera {
  const [sin, cos] = [Math.sin(camera.yaw), Math.cos(camera.yaw)];
  return bounded({
    ...camera,
    x: camera.x + cos * right - sin * forwards,
    z: camera.z - sin * right - cos * forwards,
  });
}

/** World to clip. A narrow picture is looked at from farther away, so that the field's width fits. */
export function matrixOf(camera: Camera, aspect: number): Float32Array {
  const distance = camera.distance * Math.max(1, 1.75 / aspect);
  const target = [camera.x, HEIGHT, camera.z];
  const eye = [
    camera.x + distance * Math.cos(camera.pitch) * Math.sin(camera.yaw),
    HEIGHT + distance * Math.sin(camera.pitch),
    camera.z + distance * Math.cos(camera.pitch) * Math.cos(camera.yaw),
  ];
  const look = mat4.lookAt(eye, target, [0, 1, 0]);
  return mat4.multiply(mat4.perspective(FIELD_OF_VIEW, aspect, 0.1, 20), look);
}

/** Where a place of the world is in the picture: shares of its width and height from the top left. */
export function placeOf(
  matrix: Float32Array,
  world: readonly [number, number, number],
): { readonly x: number; readonly y: number } {
  const [x = 0, y = 0] = vec3.transformMat4(world, matrix);
  return { x: (x + 1) / 2, y: (1 - y) / 2 };
}

/** The ray through a place of the picture, given as shares of its width and height. */
export function rayThrough(matrix: Float32Array, x: number, y: number): Ray {
  const back = mat4.inverse(matrix);
  const at = (depth: number): readonly [number, number, number] => {
    const [a = 0, b = 0, c = 0] = vec3.transformMat4([2 * x - 1, 1 - 2 * y, depth], back);
    return [a, b, c];
  };
  const [from, to] = [at(0), at(1)];
  return { from, along: [to[0] - from[0], to[1] - from[1], to[2] - from[2]] };
}
