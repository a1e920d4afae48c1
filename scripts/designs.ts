/** The lecture's three designs of a server, and the program of each. */
export const scriptNames = {
  server: "lecture1_server",
  forever: "lecture1_server_forever",
  async: "lecture1_server_forever_async",
};
export type Design = keyof typeof scriptNames;
export const designs = Object.keys(scriptNames) as Design[];
