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
/** Straight from above, where parallel rays make it the heat map. */
export const above: Camera = { yaw: 0, pitch: 1.55, distance: 3.2, x: 0, z: 0 };

const FIELD_OF_VIEW = (42 * Math.PI) / 180;
/** Share of the field of view that is left straight from above: rays are as good as parallel. */
const FLATTEST = 0.05;
/** The pitch from which on the field of view narrows. */
const FLAT_FROM = 1.2;
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

const eased = (share: number): number => share * share * (3 - 2 * share);

/** A camera on its way: at a share in [0, 1] of the way, slow at both ends. */
export function between(from: Camera, to: Camera, share: number): Camera {
  const at = (a: number, b: number): number => a + (b - a) * eased(within(share, 0, 1));
  return {
    yaw: at(from.yaw, to.yaw),
    pitch: at(from.pitch, to.pitch),
    distance: at(from.distance, to.distance),
    x: at(from.x, to.x),
    z: at(from.z, to.z),
  };
}

/** World to clip. A narrow picture is looked at from farther away, so that the field's width fits. */
export function matrixOf(camera: Camera, aspect: number): Float32Array {
  const flat = eased(within((camera.pitch - FLAT_FROM) / (MOST_PITCH - FLAT_FROM), 0, 1));
  const fieldOfView = FIELD_OF_VIEW * (1 - (1 - FLATTEST) * flat);
  const wide = camera.distance * Math.max(1, 1.75 / aspect);
  // What is looked at stays as large: the camera goes back as its field of view narrows.
  const distance = wide * (Math.tan(FIELD_OF_VIEW / 2) / Math.tan(fieldOfView / 2));
  const target = [camera.x, HEIGHT, camera.z];
  const eye = [
    camera.x + distance * Math.cos(camera.pitch) * Math.sin(camera.yaw),
    HEIGHT + distance * Math.sin(camera.pitch),
    camera.z + distance * Math.cos(camera.pitch) * Math.cos(camera.yaw),
  ];
  const look = mat4.lookAt(eye, target, [0, 1, 0]);
  const near = Math.max(0.1, distance - FARTHEST);
  const far = distance - wide + 20;
  return mat4.multiply(mat4.perspective(fieldOfView, aspect, near, far), look);
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
