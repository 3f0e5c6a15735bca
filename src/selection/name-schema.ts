import * as v from 'valibot';
import { isMethodName, methodForms, type MethodName } from './methods.ts';

/** The schema of a method's name in configs and files. */
export const methodName = v.custom<MethodName>(isMethodName, methodForms);
