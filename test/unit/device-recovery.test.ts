import { describe, expect, test } from 'vitest';
import { AdapterError, DeviceLostError, type Gpu } from '../../src/gpu/device.ts';
import { AllocationError } from '../../src/gpu/memory.ts';
import type { Reopening } from '../../src/results.ts';
import {
  onLastingDevice,
  ReopeningPolicy,
  reopeningText,
} from '../../src/workers/device-recovery.ts';

const MINUTE = 60_000;

describe('when a device is opened again', () => {
  test('after twice as long each time, five times within an hour', () => {
    let now = 1000;
    const policy = new ReopeningPolicy(() => now);
    const delays = Array.from({ length: 5 }, () => policy.next('gone')?.seconds);
    expect(delays).toEqual([1, 2, 4, 8, 16]);
    expect(policy.next('gone')).toBeUndefined();
    now += 60 * MINUTE - 1;
    expect(policy.next('gone')).toBeUndefined();
    now += 1;
    expect(policy.next('gone')).toEqual({ reason: 'gone', seconds: 1, attempt: 1, most: 5 });
  });

  test('counts those of the last hour alone', () => {
    let now = 0;
    const policy = new ReopeningPolicy(() => now);
    const attempts: (number | undefined)[] = [];
    for (let loss = 0; loss < 8; loss++) {
      attempts.push(policy.next('gone')?.attempt);
      now += 25 * MINUTE;
    }
    expect(attempts).toEqual([1, 2, 3, 3, 3, 3, 3, 3]);
  });

  test('says so in one line', () => {
    expect(reopeningText({ reason: 'device lost: reset', seconds: 2, attempt: 2, most: 5 })).toBe(
      'device lost: reset; opening a device again in 2 s (2 of 5 within an hour)',
    );
  });
});

/** A device that knows whether it is there. */
function fakeGpu(name: string) {
  let lose: () => void = () => undefined;
  let gone = false;
  const lost = new Promise<void>((resolve) => {
    lose = () => {
      gone = true;
      resolve();
    };
  });
  const fake = {
    name,
    closed: false,
    device: { lost },
    throwIfFailed: () => {
      if (gone) throw new DeviceLostError(`${name}: reset`);
    },
    close: () => {
      fake.closed = true;
      return Promise.resolve();
    },
  };
  return { gpu: fake as unknown as Gpu, fake, lose: () => lose() };
}

/** Work over devices that are opened one after another. */
async function lasting(
  work: (device: ReturnType<typeof fakeGpu>, turn: number) => Promise<string>,
  options: {
    readonly open?: (turn: number) => void;
    readonly rest?: () => boolean;
    readonly shrink?: (error: AllocationError) => void;
  } = {},
) {
  const devices: ReturnType<typeof fakeGpu>[] = [];
  const told: Reopening[] = [];
  let turns = 0;
  const ended = onLastingDevice(
    {
      open: async () => {
        options.open?.(turns++);
        devices.push(fakeGpu(`device ${devices.length}`));
        return Promise.resolve(devices.at(-1)!.gpu);
      },
      work: () => work(devices.at(-1)!, devices.length - 1),
      rest: (reopening) => {
        told.push(reopening);
        return Promise.resolve(options.rest?.() ?? true);
      },
      ...(options.shrink ? { shrink: options.shrink } : {}),
    },
    new ReopeningPolicy(() => 0),
  );
  const outcome: { readonly result?: string | undefined; readonly error?: unknown } =
    await ended.then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
  return { ...outcome, devices, told };
}

describe('work on a lasting device', () => {
  test('goes on on the next device, and lets go of the one that was lost', async () => {
    const { devices, told, ...outcome } = await lasting((device, turn) => {
      if (turn === 2) return Promise.resolve('done');
      device.lose();
      return Promise.reject(new DeviceLostError('so it is'));
    });
    expect(outcome).toEqual({ result: 'done' });
    expect(devices.map(({ fake }) => fake.closed)).toEqual([true, true, true]);
    expect(told).toEqual([
      { reason: 'device lost: device 0: reset', seconds: 1, attempt: 1, most: 5 },
      { reason: 'device lost: device 1: reset', seconds: 2, attempt: 2, most: 5 },
    ]);
  });

  test('knows an error that came of a loss, also where the loss is told after it', async () => {
    const { told, result } = await lasting((device, turn) => {
      if (turn === 1) return Promise.resolve('done');
      setTimeout(device.lose, 20);
      return Promise.reject(new Error('mapping was aborted'));
    });
    expect(result).toBe('done');
    expect(told).toHaveLength(1);
  });

  test('ends with the sixth loss within an hour', async () => {
    const { error, devices, told } = await lasting((device) => {
      device.lose();
      return Promise.reject(new DeviceLostError('again'));
    });
    expect(error).toBeInstanceOf(DeviceLostError);
    expect((error as Error).message).toBe(
      'device lost: device 5: reset; after 5 times within an hour no device is opened again',
    );
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(devices).toHaveLength(6);
    expect(devices.every(({ fake }) => fake.closed)).toBe(true);
  });

  test('tries again where there is no adapter, and names that in the end', async () => {
    const { error, devices, told } = await lasting(
      (device) => {
        device.lose();
        return Promise.reject(new DeviceLostError('gone'));
      },
      {
        open: (turn) => {
          if (turn > 0) throw new AdapterError('no adapter');
        },
      },
    );
    expect(devices).toHaveLength(1);
    expect(told.map(({ reason }) => reason)).toEqual([
      'device lost: device 0: reset',
      ...Array<string>(4).fill('no device: no adapter'),
    ]);
    expect(error).toBeInstanceOf(AdapterError);
    expect((error as Error).message).toMatch(/^no device: no adapter; after 5 times/);
  });

  test('does nothing again where there was no first device, or another fault', async () => {
    const open = (): void => {
      throw new AdapterError('none');
    };
    const none = await lasting(() => Promise.resolve('done'), { open });
    expect(none.error).toMatchObject({ name: 'AdapterError', message: 'none' });
    expect(none.told).toEqual([]);
    const other = await lasting(() => Promise.reject(new RangeError('a fault of its own')));
    expect(other.error).toMatchObject({ name: 'RangeError', message: 'a fault of its own' });
    expect(other.told).toEqual([]);
    expect(other.devices.map(({ fake }) => fake.closed)).toEqual([true]);
  });

  test('ends where whoever waits says so', async () => {
    const { result, devices } = await lasting(
      (device) => {
        device.lose();
        return Promise.reject(new DeviceLostError('gone'));
      },
      { rest: () => false },
    );
    expect(result).toBeUndefined();
    expect(devices).toHaveLength(1);
  });

  test('takes less memory where there was not enough, until nothing is left to give up', async () => {
    let rows = 4;
    const shrink = (error: AllocationError): void => {
      if (rows === 1) throw new AllocationError(`1 row: ${error.message}`);
      rows /= 2;
    };
    const some = await lasting(
      () => (rows > 2 ? Promise.reject(new AllocationError('none')) : Promise.resolve('done')),
      { shrink },
    );
    expect(some).toMatchObject({ result: 'done', told: [] });
    expect(some.devices).toHaveLength(2);
    const none = await lasting(() => Promise.reject(new AllocationError('none')), { shrink });
    expect(none.error).toMatchObject({ name: 'AllocationError', message: '1 row: none' });
    expect(none.devices.every(({ fake }) => fake.closed)).toBe(true);
  });
});
