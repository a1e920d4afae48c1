/** The lecture's three designs of a server. */

/** The program of each design, without .ts. */
export const scriptNames = {
  server: "lecture1_server",
  forever: "lecture1_server_forever",
  async: "lecture1_server_forever_async",
};

/** The client's program, without .ts. */
export const clientName = "lecture1_client";

export type Design = keyof typeof scriptNames;

/** The designs in the order in which they are shown. */
export const designs = Object.keys(scriptNames) as Design[];
