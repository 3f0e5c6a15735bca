import type { DapoSettings } from './dapo.ts';
import type { GresoSettings } from './greso.ts';
import type { LiloSettings } from './lilo.ts';
import type { NarrowingSettings } from './online-lim.ts';
import type { RetireSettings } from './retire.ts';
import type { SpeedSettings } from './speed.ts';

/**
 * Settings of online methods, by method. What is left out has the default of the method's file,
 * which gives its source.
 */
export interface OnlineSettings {
  readonly dapo?: Partial<DapoSettings>;
  readonly lilo?: Partial<LiloSettings>;
  readonly greso?: Partial<GresoSettings>;
  readonly retire?: Partial<RetireSettings>;
  readonly speed?: Partial<SpeedSettings>;
  readonly onlineLim?: Partial<NarrowingSettings>;
}
