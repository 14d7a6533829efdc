import type { Schemas } from '@/api/client';
import { registers as words } from '@/i18n/zh-CN/registers';

export type Credential = Schemas['CredentialList']['items'][number];
export type CredentialState = Credential['state'];

const TONES: Record<CredentialState, 'good' | 'warn' | 'bad' | 'calm'> = {
  VALID: 'good',
  REPLACED: 'calm',
  WITHDRAWN: 'warn',
  REVOKED: 'bad',
  EXPIRED: 'calm',
};

export const STATES = Object.keys(TONES) as CredentialState[];

export function toneOf(state: CredentialState): 'good' | 'warn' | 'bad' | 'calm' {
  return TONES[state];
}

/** The state that an address asks for; null for all of them and for anything unknown. */
export function stateOf(asked: unknown): CredentialState | null {
  return STATES.find((state) => state === asked) ?? null;
}

export function stateLabel(state: CredentialState | null): string {
  return state ? words.credentials.states[state] : words.credentials.anyState;
}
