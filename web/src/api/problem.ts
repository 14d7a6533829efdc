import { app } from '@/i18n/zh-CN/app';

/** What the server (or the lost connection) said, in words for people. `code` is stable; see /docs. */
export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  requestId: string | null;
  fields: FieldProblem[];
}

export interface FieldProblem {
  field: string;
  code: string;
  message: string;
}

/** Thrown by `answer`; carries the problem to whoever shows it. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
    this.name = 'Refusal';
  }
}

export const CONNECTION_LOST: Problem = {
  status: 0,
  code: 'connection.lost',
  ...app.gone,
  requestId: null,
  fields: [],
};

/** A problem from whatever was caught or answered: a Refusal, problem+json, or anything else. */
export function problemOf(thrown: unknown, status = 500): Problem {
  if (thrown instanceof Refusal) return thrown.problem;
  if (isRecord(thrown) && typeof thrown.code === 'string' && typeof thrown.title === 'string') {
    return {
      status: typeof thrown.status === 'number' ? thrown.status : status,
      code: thrown.code,
      title: thrown.title,
      detail: typeof thrown.detail === 'string' ? thrown.detail : '',
      requestId: typeof thrown.instance === 'string' ? thrown.instance.replace('urn:request:', '') : null,
      fields: Array.isArray(thrown.problems) ? thrown.problems.filter(isFieldProblem) : [],
    };
  }
  return { status, code: 'internal', ...app.unforeseen, requestId: null, fields: [] };
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return isRecord(value) && typeof value.field === 'string' && typeof value.message === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
