/** What of a case is drawn on its diagram. */

/** tokens: elements where the case stands. taken: elements and sequence flows it went over. counts: how often entered. */
export interface Way {
  tokens: Set<string>;
  taken: Set<string>;
  counts: Map<string, number>;
}
