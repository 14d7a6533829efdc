/** What the evidence canvas draws. The server's shapes are turned into these in `case.ts`. */

/** box: left, top, right, bottom in pixels of the rectified picture. confidence: 0 to 1. */
export interface ReadField {
  name: string;
  label: string;
  value: string;
  confidence: number;
  box: readonly number[];
}

/** One photographed page. urls are undefined where the picture was erased or may not be seen. */
export interface EvidencePage {
  key: string;
  label: string;
  originalUrl: string | undefined;
  rectifiedUrl: string | undefined;
  fields: ReadField[];
  warnings: string[];
}
